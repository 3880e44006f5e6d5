package ingest

import "bytes"

// albDecoder decodes the access log of AWS's application load balancer
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#access-log-entry-format):
// TYPE TIME ELB CLIENT:PORT TARGET:PORT three times, two codes, two sizes,
// "METHOD URL PROTOCOL" "USER-AGENT" and more.
type albDecoder struct {
	json *jsonDecoder
	columns
}

func newALBDecoder(names *nameTable) *albDecoder { return &albDecoder{json: newJSONDecoder(names)} }

func (*albDecoder) formats() []string { return []string{"aws-alb"} }

func (a *albDecoder) decode(d *decoding, record []byte) (format string) {
	kind, _, _ := bytes.Cut(record[:min(len(record), 8)], []byte(" "))
	switch string(kind) {
	case "http", "https", "h2", "grpcs", "ws", "wss":
	default:
		return ""
	}
	a.begin(a.json, record)
	roles := [...]role{
		roleNone, roleTime, roleService, roleClient, roleNone, roleNone, roleNone, roleNone, roleStatus, roleNone,
		roleNone, roleNone, roleLine,
	}
	for _, r := range roles {
		t, ok := a.next()
		if !ok {
			return ""
		}
		if r != roleNone {
			a.set(r, t)
		}
	}
	if _, ok := parseTime(a.json.walk.raw(roleTime)); !ok || !a.json.walk.has(roleClient) {
		return ""
	}
	return a.give(d, "aws-alb", "type, time, load balancer, client:port, target:port")
}
