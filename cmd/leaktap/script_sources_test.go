package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

// writeCapture writes a pcap file of one connection with one exchange:
// capture FILE REQUEST-FILE RESPONSE-FILE.
func writeCapture(ts *testscript.TestScript, _ bool, args []string) {
	const linkRaw = 101 // packets begin with the IP header (tcpdump.org/linktypes.html)
	var out bytes.Buffer
	for _, field := range []any{uint32(0xa1b2c3d4), uint16(2), uint16(4), uint32(0), uint32(0), uint32(65535), uint32(linkRaw)} {
		ts.Check(binary.Write(&out, binary.LittleEndian, field))
	}
	request, response := crlf(ts.ReadFile(args[1])), crlf(ts.ReadFile(args[2]))
	const syn, ack, fin = 0x02, 0x10, 0x01
	client, server := uint32(1000), uint32(9000)
	packets := [][]byte{
		segment(true, client, 0, syn, ""),
		segment(false, server, client+1, syn|ack, ""),
		segment(true, client+1, server+1, ack, request),
		segment(false, server+1, client+1+uint32(len(request)), ack, response),
		segment(true, client+1+uint32(len(request)), server+1+uint32(len(response)), fin|ack, ""),
		segment(false, server+1+uint32(len(response)), client+2+uint32(len(request)), fin|ack, ""),
	}
	const start = 1798000000 // 2026-12-23
	for i, p := range packets {
		for _, field := range []uint32{start, uint32(i), uint32(len(p)), uint32(len(p))} {
			ts.Check(binary.Write(&out, binary.LittleEndian, field))
		}
		out.Write(p)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out.Bytes(), 0o600))
}

// crlf ends the lines of a head as HTTP does; the body follows the empty line.
func crlf(text string) string {
	head, body, _ := strings.Cut(text, "\n\n")
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + strings.TrimSuffix(body, "\n")
}

// segment is an IPv4 packet with a TCP segment (RFC 791, RFC 9293), without
// checksums, from the client to port 80 of the server or back.
func segment(fromClient bool, seq, ack uint32, flags byte, payload string) []byte {
	from, to, source, target := net.IPv4(192, 0, 2, 1), net.IPv4(192, 0, 2, 2), uint16(40000), uint16(80)
	if !fromClient {
		from, to, source, target = to, from, target, source
	}
	p := []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0}
	binary.BigEndian.PutUint16(p[2:], uint16(40+len(payload)))
	p = append(append(p, from.To4()...), to.To4()...)
	p = binary.BigEndian.AppendUint16(p, source)
	p = binary.BigEndian.AppendUint16(p, target)
	p = binary.BigEndian.AppendUint32(p, seq)
	p = binary.BigEndian.AppendUint32(p, ack)
	p = append(p, 5<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	return append(p, payload...)
}

// startBroker starts a Kafka-compatible broker with one topic that holds the
// lines of a file, and sets BROKER: broker TOPIC FILE.
func startBroker(ts *testscript.TestScript, _ bool, args []string) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, args[0]))
	ts.Check(err)
	ts.Defer(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	ts.Check(err)
	defer client.Close()
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		record := &kgo.Record{Topic: args[0], Value: []byte(strings.TrimSuffix(line, "\n"))}
		ts.Check(client.ProduceSync(context.Background(), record).FirstErr())
	}
	ts.Setenv("BROKER", cluster.ListenAddrs()[0])
}

// writeProfiles writes a recording of a caller who reads one profile after the other.
func writeProfiles(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	if neg || len(args) != 2 || err != nil {
		ts.Fatalf("usage: profiles N FILE")
	}
	var b strings.Builder
	for i := range n {
		id := 1000 + i
		fmt.Fprintf(&b, `{"time":"2026-11-23T10:%02d:%02dZ","scheme":"https","method":"GET","url":"https://api.shop.test/api/profile/%d","status":200,`+
			`"request_headers":{"Authorization":"Bearer %s"},"response_headers":{"Content-Type":"application/json"},`+
			`"response_body":"{\"id\":%d,\"email\":\"user.%d@mailbox.org\"}"}`+"\n", i/60, i%60, id, strings.Repeat("k7Q2", 10), id, id)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o600))
}

// firstFinding sets variables to what names the first exposure of a ledger.
func firstFinding(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: finding LEDGER")
	}
	ledger, err := alert.ReadLedger(ts.MkAbs(args[0]), alert.LedgerConfig{}, func(string) *classify.Rule { return nil })
	ts.Check(err)
	x := ledger.Snapshot()[0]
	ts.Setenv("FINGERPRINT", x.Fingerprint)
	ts.Setenv("FINDING", x.Sample.ID)
}
