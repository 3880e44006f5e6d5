package ingest

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// may is a rule that lets a user do something with a topic or a group.
func may(resource kmsg.ACLResourceType, name string, operation kmsg.ACLOperation) kfake.ACL {
	return kfake.ACL{Resource: resource, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: operation, Allow: true}
}

func TestCheckKafkaSaysWhatTheUserMayDo(t *testing.T) {
	const topic = kmsg.ACLResourceTypeTopic
	_, addr := newCluster(t, 3, kfake.EnableSASL(), kfake.EnableACLs(), kfake.SeedTopics(1, "findings", "hidden"),
		kfake.User("PLAIN", "reader", "p", may(topic, "logs", kmsg.ACLOperationRead), may(topic, "findings", kmsg.ACLOperationDescribe),
			may(kmsg.ACLResourceTypeGroup, "g", kmsg.ACLOperationRead)),
		kfake.User("PLAIN", "writer", "p", may(topic, "findings", kmsg.ACLOperationWrite)))
	nobody := listenAndClose(t)
	for _, test := range []struct {
		name, user, password string
		brokers              []string
		topics               []string
		group                string
		use                  KafkaUse
		want                 []string // ok, warn or FAIL, and what is said
	}{
		{"reader reads", "reader", "p", []string{addr}, []string{"logs"}, "g", ReadTopics, []string{
			"ok broker " + addr + ": connects", "ok topics logs: exist, 3 partitions", "ok topics logs: may be read",
			"ok group g: may be read",
		}},
		{"reader writes", "reader", "p", []string{addr}, []string{"findings"}, "", WriteTopics, []string{
			"ok broker", "ok topics findings: exist, 1 partitions", "FAIL topics findings: may be written: the user lacks an ACL: Write on the topic findings",
		}},
		{"writer writes", "writer", "p", []string{addr}, []string{"findings"}, "", WriteTopics, []string{"ok broker", "ok topics findings: exist", "ok topics findings: may be written"}},
		{"group of others", "reader", "p", []string{addr}, []string{"logs"}, "other", ReadTopics, []string{
			"ok broker", "ok topics", "ok topics", "FAIL group other: may be read: the user lacks an ACL: Read on the group other",
		}},
		{"expression", "reader", "p", []string{addr}, []string{"/^lo/"}, "", ReadTopics, []string{"ok broker", "ok topics logs: exist, 3 partitions", "ok topics logs: may be read"}},
		{"expression of nothing", "reader", "p", []string{addr}, []string{"/^zz/"}, "", ReadTopics, []string{"ok broker", "warn topics /^zz/: exist: no topic matches at present"}},
		{"unknown topic", "reader", "p", []string{addr}, []string{"logz"}, "", ReadTopics, []string{"ok broker", `FAIL topics logz: exist:`}},
		{"wrong password", "reader", "x", []string{addr}, []string{"logs"}, "", ReadTopics, []string{"FAIL broker " + addr + ": connects: user name or password is wrong"}},
		{"one broker is away", "reader", "p", []string{nobody, addr}, []string{"logs"}, "", ReadTopics, []string{
			"warn broker " + nobody + ": connects: connect to broker " + nobody, "ok broker " + addr, "ok topics", "ok topics",
		}},
		{"all brokers are away", "reader", "p", []string{nobody}, []string{"logs"}, "", ReadTopics, []string{"FAIL broker " + nobody}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := CheckKafka(t.Context(), KafkaConfig{
				Brokers: test.brokers, Topics: test.topics, Group: test.group, Timing: fast(),
				Access: KafkaAccess{Mechanism: "PLAIN", User: test.user, PasswordFile: file(t, test.password)},
			}, test.use)
			lines := describe(got)
			if len(lines) != len(test.want) {
				t.Fatalf("%d checks, want %d:\n%s", len(lines), len(test.want), strings.Join(lines, "\n"))
			}
			for i, want := range test.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("check %d is %q, want %q", i, lines[i], want)
				}
			}
		})
	}
}

// TestCheckKafkaWithoutAnswer has a port that takes connections and says nothing.
func TestCheckKafkaWithoutAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	timing := fast()
	timing.Request = timing.Wait
	got := describe(CheckKafka(t.Context(), KafkaConfig{Brokers: []string{l.Addr().String()}, Topics: []string{"logs"}, Timing: timing}, ReadTopics))
	if len(got) != 1 || !strings.HasPrefix(got[0], "FAIL broker") {
		t.Errorf("checks are %q, want a broker that fails", got)
	}
}

// listenAndClose returns an address where nobody is.
func listenAndClose(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func describe(checks []KafkaCheck) (lines []string) {
	for _, c := range checks {
		switch {
		case c.Err == nil:
			lines = append(lines, "ok "+c.What)
		case c.Warning:
			lines = append(lines, fmt.Sprintf("warn %s: %v", c.What, c.Err))
		default:
			lines = append(lines, fmt.Sprintf("FAIL %s: %v", c.What, c.Err))
		}
	}
	return lines
}

// TestUntoldRights has what brokers answer that do not tell what a user may do.
func TestUntoldRights(t *testing.T) {
	for _, operations := range []int32{0, untold} {
		c := &kafkaChecker{}
		c.add("topics t: may be read", allowed(operations, operationRead, "Read", "the topic t"))
		if got := describe(c.checks); got[0] != "warn topics t: may be read: the broker is too old to tell what the user may do with the topic t (Kafka 2.3 does)" {
			t.Errorf("operations %d: %q", operations, got)
		}
	}
}
