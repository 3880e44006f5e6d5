package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// shown is a command of a document and what has to come of it.
type shown struct {
	code int
	// out is a part of standard output.
	out string
}

// runShown runs each command of examples as it stands there; each has to be known. A command may
// have a redirection to a file. rewrite, unless nil, changes its arguments.
func runShown(t *testing.T, texts []string, want map[string]shown, rewrite *strings.Replacer) {
	t.Helper()
	n := 0
	for _, line := range commandLines(texts) {
		w, ok := want[line]
		if !ok {
			t.Errorf("the test knows nothing of %q", line)
			continue
		}
		n++
		command, file, appends := strings.Cut(line, " >> ")
		if rewrite != nil {
			command = rewrite.Replace(command)
		}
		var out, log strings.Builder
		in := strings.NewReader(testPassword + "\n")
		code := run(t.Context(), strings.Fields(command)[1:], &streams{in: in, out: &out, err: &log})
		if code != w.code || !strings.Contains(out.String(), w.out) {
			t.Errorf("%s: got exit code %d, want %d and %q in\n%s%s", line, code, w.code, w.out, out.String(), log.String())
		}
		if appends {
			writeFiles(t, map[string]string{file: out.String()})
		}
	}
	if n != len(want) {
		t.Errorf("%d of %d commands are shown", n, len(want))
	}
}

// writeFiles writes files to the present folder.
func writeFiles(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRulesPage tests the rule file and the corpus that docs/rules.md shows, and runs its
// commands.
func TestRulesPage(t *testing.T) {
	rules, corpora, commands := blocksFor(t, "docs/rules.md", "yaml"), blocksFor(t, "docs/rules.md", "text"), blocksFor(t, "docs/rules.md", "sh")
	if len(rules) != 2 || len(corpora) != 1 {
		t.Fatalf("docs/rules.md shows %d files and %d corpora", len(rules), len(corpora))
	}
	t.Chdir(t.TempDir())
	writeFiles(t, map[string]string{
		"rules.yaml": rules[1], "both/rules.yaml": rules[1], "both/corpus.txt": corpora[0],
		"app.log": "deploy with key acmed_" + "7hQz1m0XbT5rK2vWc8LsN4pYd6Jf9A\n", "other.log": "GET /users?access_token=" + secrets()["TOKEN"] + "\n",
	})
	runShown(t, commands, map[string]shown{
		"leaktap rules test rules.yaml":                      {exitOK, "5 passed, 0 failed\n"},
		"leaktap scan --rules rules.yaml app.log":            {exitFindings, "acme-deploy-key"},
		"leaktap rules list --kinds --rules rules.yaml":      {exitOK, "acme-partner-id"},
		"leaktap scan --disable github-pat,category:debug .": {exitFindings, "token-in-log"},
	}, nil)
	runShown(t, []string{"leaktap rules test both"}, map[string]shown{"leaktap rules test both": {exitOK, "8 passed, 0 failed\n"}}, nil)
}

// TestPolicyPage runs what docs/policy.md shows: its files are written, its commands run, and
// what it says of them has to be true.
func TestPolicyPage(t *testing.T) {
	traffic, files, commands := blocksFor(t, "docs/policy.md", "json"), blocksFor(t, "docs/policy.md", "yaml"), blocksFor(t, "docs/policy.md", "sh")
	if len(traffic) != 1 || len(files) != 3 {
		t.Fatalf("docs/policy.md shows %d recordings and %d files", len(traffic), len(files))
	}
	t.Chdir(t.TempDir())
	writeFiles(t, map[string]string{"traffic.jsonl": traffic[0], "policy.yaml": files[2]})
	runShown(t, commands, map[string]shown{
		"leaktap policy learn --baseline-out learned.yaml traffic.jsonl":       {exitOK, ""},
		"leaktap policy check --baseline learned.yaml traffic.jsonl":           {exitOK, ""},
		"leaktap policy check --baseline learned.yaml -o github traffic.jsonl": {exitOK, ""},
		"leaktap policy diff learned.yaml policy.yaml":                         {exitFindings, "+ scope admin:read is_admin"},
		"leaktap scan --policy policy.yaml traffic.jsonl":                      {exitFindings, "HIGH     privilege-field"},
	}, nil)
	if learned, err := os.ReadFile("learned.yaml"); err != nil || string(learned) != files[1] {
		t.Errorf("got %v and\n%s", err, learned)
	}
	var out, log strings.Builder
	run(t.Context(), []string{"scan", "--policy", "policy.yaml", "traffic.jsonl"}, &streams{out: &out, err: &log})
	if strings.Contains(out.String(), "pii-email") {
		t.Errorf("what the policy allows is found:\n%s", out.String())
	}
}

// TestPageCommands runs what docs/page.md shows: a user is added, and the configuration is right.
func TestPageCommands(t *testing.T) {
	config, commands := blocksFor(t, "docs/page.md", "yaml"), blocksFor(t, "docs/page.md", "sh")
	dir := t.TempDir()
	t.Chdir(dir)
	writeFiles(t, map[string]string{"leaktap.yaml": regexp.MustCompile(`/(etc|var/lib)/leaktap/`).ReplaceAllString(config[0], dir+"/")})
	runShown(t, commands, map[string]shown{
		"leaktap page password ada >> users": {exitOK, "ada:$2"},
		"leaktap check-config leaktap.yaml":  {exitOK, "ok    leaktap.yaml: 1 source\n"},
	}, nil)
}

// TestKafkaCommands runs what docs/kafka.md shows on a broker in the place of kafka:9092, the
// last on one with TLS.
func TestKafkaCommands(t *testing.T) {
	commands := blocksFor(t, "docs/kafka.md", "sh")
	cert, key := selfSigned(t)
	t.Chdir(t.TempDir())
	writeFiles(t, map[string]string{"ca.pem": cert})
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	record := `{"level":"info","authorization":"Bearer ` + secrets()["TOKEN"] + `"}`
	address := func(tlsConfig *tls.Config) string {
		options := []kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(4, "access-logs")}
		client := []kgo.Opt{}
		if tlsConfig != nil {
			options = append(options, kfake.TLS(tlsConfig))
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM([]byte(cert))
			client = append(client, kgo.DialTLSConfig(&tls.Config{RootCAs: roots}))
		}
		cluster, err := kfake.NewCluster(options...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cluster.Close)
		c, err := kgo.NewClient(append(client, kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		at := time.Now().Add(-90 * time.Minute)
		if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: "access-logs", Partition: 3, Value: []byte(record), Timestamp: at}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		return cluster.ListenAddrs()[0]
	}
	plain, secured := address(nil), address(&tls.Config{Certificates: []tls.Certificate{pair}})
	for line, w := range map[string]struct {
		address, out string
	}{
		"leaktap tail -b kafka:9092 -t access-logs -o -1000 -e":                                                     {plain, "token-in-log"},
		"leaktap tail -b kafka:9092 -t /-logs$/ --from -2h --to -1h":                                                {plain, "token-in-log"},
		"leaktap tail -b kafka:9092 -t access-logs -p 0,3 -e -J -X security.protocol=ssl -X ssl.ca.location=ca.pem": {secured, ""},
	} {
		runShown(t, []string{line}, map[string]shown{line: {exitOK, w.out}}, strings.NewReplacer("kafka:9092", w.address))
		i := slices.Index(commandLines(commands), line)
		if i < 0 {
			t.Errorf("docs/kafka.md does not show %q", line)
		}
	}
	if n := len(commandLines(commands)); n != 3 {
		t.Errorf("docs/kafka.md shows %d commands", n)
	}
}

// TestReadmeScan makes the record that the README's first example is about: it has to be found in
// these words.
func TestReadmeScan(t *testing.T) {
	texts := blocksFor(t, "README.md", "text")
	command, want, _ := strings.Cut(texts[0], "\n")
	want, isBeginning := strings.CutSuffix(want, "...\n")
	t.Chdir(t.TempDir())
	hash := func(n int) string {
		return "pbkdf2:sha256:600000" + "$" + strings.Repeat("aB3xQ", 3)[n:n+12] + "$" + strings.Repeat("0f3a", 16)
	}
	writeFiles(t, map[string]string{"responses.jsonl": fmt.Sprintf(`{"time":"2026-11-23T15:08:36Z","service":"shop","method":"GET","url":"/api/users","status":200,"response_headers":{"Content-Type":"application/json"},`+
		`"response_body":"{\"users\":[{\"password_hash\":\"%s\"},{\"password_hash\":\"%s\"}]}"}`+"\n", hash(1), hash(2))})
	var out, log strings.Builder
	code := run(t.Context(), strings.Fields(command)[2:], &streams{out: &out, err: &log})
	if len(texts) != 1 || code != exitFindings || !isBeginning || !strings.HasPrefix(out.String(), want) {
		t.Errorf("exit code %d,\n%s%swant\n%s", code, out.String(), log.String(), want)
	}
}

// TestRingFormula checks the sum of docs/capture.md.
func TestRingFormula(t *testing.T) {
	texts := blocksFor(t, "docs/capture.md", "text")
	var gigabits, milliseconds, mebibytes float64
	_, sum, _ := strings.Cut(texts[0], "pause")
	if n, err := fmt.Sscanf(strings.TrimSpace(sum), "%f Gbit/s for %f ms: %f MiB", &gigabits, &milliseconds, &mebibytes); n != 3 || len(texts) != 1 {
		t.Fatalf("%q: %v", texts, err)
	}
	if bytes := gigabits * 1e9 / 8 * milliseconds / 1000; bytes > mebibytes*(1<<20) || bytes < 0.9*mebibytes*(1<<20) {
		t.Errorf("%v bytes are not %v MiB", bytes, mebibytes)
	}
}

// TestDeployCommands checks the files that the commands of deploy/README.md name. They are not
// run: there is no container engine and no cluster here. deploy/check.sh looks at the manifests.
func TestDeployCommands(t *testing.T) {
	for _, line := range commandLines(blocksFor(t, "deploy/README.md", "indented")) {
		if !regexp.MustCompile(`^(docker build|kubectl|key=\$\(leaktap key new\)$)`).MatchString(line) {
			t.Errorf("the test knows nothing of %q", line)
		}
		for _, path := range regexp.MustCompile(`deploy/\S+`).FindAllString(line, -1) {
			if _, err := os.Stat(filepath.Join(repository, path)); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}

// selfSigned makes a certificate for 127.0.0.1 that is its own authority, and its key, PEM.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// elsewhere are the verbs of the README that need a broker, an interface or a daemon: the e2e
// tests and other scripts run them.
var elsewhere = []string{"sniff", "tail", "run", "aggregate"}

// TestReadmeRuns checks that each command of the README is run as it stands there by
// readme.txtar, or is one of those that are run elsewhere: then its flags are known. Targets of
// make are there.
func TestReadmeRuns(t *testing.T) {
	script, err := os.ReadFile("testdata/script/readme.txtar")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, line := range commandLines(blocksFor(t, "README.md", "sh")) {
		n++
		if target, ok := strings.CutPrefix(line, "make "); ok {
			if !regexp.MustCompile(`(?m)^` + target + `:`).Match(makefile) {
				t.Errorf("there is no %s", line)
			}
			continue
		}
		m := regexp.MustCompile(`^(?:.*\| )?leaktap ([^#>]+)`).FindStringSubmatch(line)
		if m == nil {
			t.Errorf("the test knows nothing of %q", line)
			continue
		}
		command := strings.TrimSpace(m[1])
		if verb, _, _ := strings.Cut(command, " "); slices.Contains(elsewhere, verb) {
			c, rest, err := newApp(&streams{}).rootCommand().Find(strings.Fields(command))
			if err == nil {
				err = c.ParseFlags(rest)
			}
			if err != nil {
				t.Errorf("%s: %v", line, err)
			}
		} else if !regexp.MustCompile(`(?m)^exits \d ` + regexp.QuoteMeta(command) + `$`).Match(script) {
			t.Errorf("readme.txtar does not run: leaktap %s", command)
		}
	}
	if n < 12 {
		t.Errorf("the README shows %d commands", n)
	}
}
