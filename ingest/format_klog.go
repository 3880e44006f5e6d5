package ingest

import (
	"bytes"
	"time"
)

// klogDecoder decodes lines of klog, which Kubernetes and glog write
// (https://kubernetes.io/docs/concepts/cluster-administration/system-logs/):
// I1124 15:08:35.123456 1 file.go:12] text, or "text" key="value" …. The line has
// no year: that of the envelope is taken.
type klogDecoder struct {
	json *jsonDecoder
	columns
}

func newKlogDecoder(names *nameTable) *klogDecoder { return &klogDecoder{json: newJSONDecoder(names)} }

func (*klogDecoder) formats() []string { return []string{"klog"} }

func (k *klogDecoder) decode(d *decoding, record []byte) (format string) {
	const head = "I1124 15:08:35.123456 1 f:1] "
	if len(record) < len(head) || bytes.IndexByte([]byte("IWEF"), record[0]) < 0 || record[5] != ' ' || record[8] != ':' || record[14] != '.' {
		return ""
	}
	end := bytes.Index(record[:min(len(record), 200)], []byte("] "))
	if _, ok := parseInt(record[1:5]); !ok || end < 0 || bytes.IndexByte(record[:end], ':') < 0 {
		return ""
	}
	k.begin(k.json, record)
	k.pos = end + 2
	if k.pos < len(record) && record[k.pos] == '"' {
		k.next() // the text
	}
	k.pairs()
	if d.want == wantHTTP && !k.json.walk.has(roleStatus) {
		return ""
	}
	d.x.Time = klogTime(record, d.at)
	return k.give(d, "klog", "level, month and day, time, thread, file:line]")
}

// klogTime reads "I1124 15:08:35.123456" in the year of near.
func klogTime(line []byte, near time.Time) (at time.Time) {
	if near.IsZero() {
		return at
	}
	at, err := time.Parse("0102 15:04:05.000000", string(line[1:21]))
	if err != nil {
		return time.Time{}
	}
	return at.AddDate(near.Year(), 0, 0)
}
