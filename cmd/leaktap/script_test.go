package main

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"leaktap": func() { os.Exit(realMain()) }})
}

// TestScripts runs the command line as testdata/script/*.txtar describe it.
// Beside testscript's own commands they have those of scriptCommands, and the
// variables of secrets, which are never written out.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds:                scriptCommands,
		Setup: func(env *testscript.Env) error {
			for name, value := range secrets() {
				env.Setenv(name, value)
			}
			return nil
		},
	})
}

var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"exits":   exits,
	"refused": refused,
	"wrong":   wrongRules,
	"expand":  expandFiles,
	"clean":   clean,
	"gz":      gzipFile,
	"cut":     cutFile,
	"same":    same,
	"capture": writeCapture,
	"broker":  startBroker,
	// expand-broker FILE: $BROKER in a file becomes the broker's address
	"expand-broker": func(ts *testscript.TestScript, _ bool, args []string) {
		text := strings.ReplaceAll(ts.ReadFile(args[0]), "$BROKER", ts.Getenv("BROKER"))
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
	},
	// finding LEDGER: sets FINGERPRINT and FINDING to those of the first exposure
	"finding": firstFinding,
	// profiles N FILE: N answers about people, read one after the other
	"profiles": writeProfiles,
}

// secrets makes what scripts plant: none of it is in the repository, and none
// of it may be in any output.
func secrets() map[string]string {
	noise := func(name string, n int) string {
		sum := sha256.Sum256([]byte("leaktap scripts: " + name))
		return strings.Repeat(hex.EncodeToString(sum[:]), 2)[:n]
	}
	const end2026 = 1798761599 // 2026-12-31T23:59:59Z
	claims := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"iss":"https://id.example","sub":"42","jti":"t-1","exp":%d}`, end2026))
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + claims
	mac := hmac.New(sha256.New, []byte("scripts"))
	mac.Write([]byte(signed))
	return map[string]string{
		"TOKEN":    signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)),
		"PASSHASH": "$2b$" + "12$" + noise("bcrypt", 53),
		"OTHER":    "$2b$" + "12$" + noise("another", 53),
	}
}

// exits runs leaktap and wants an exit code: exits CODE ARGUMENT...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec("leaktap", args[1:]...); err != nil {
		code, ok := strings.CutPrefix(err.Error(), "exit status ")
		if got, err = strconv.Atoi(code); err != nil || !ok {
			ts.Fatalf("leaktap: %v", err)
		}
	}
	if got != want {
		ts.Fatalf("leaktap %s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// refused wants check-config to refuse a file with a message, which begins with
// the file's name: refused FILE:LINE:COLUMN:MESSAGE.
func refused(ts *testscript.TestScript, _ bool, args []string) {
	refuse(ts, args, "check-config")
}

// wrongRules wants a rule file to be refused in the same way.
func wrongRules(ts *testscript.TestScript, _ bool, args []string) {
	refuse(ts, args, "rules", "list", "--rules")
}

func refuse(ts *testscript.TestScript, args []string, verb ...string) {
	file, _, _ := strings.Cut(args[0], ":")
	exits(ts, false, append(append([]string{"2"}, verb...), file))
	if got, want := ts.ReadFile("stderr"), "leaktap: "+args[0]+"\n"; got != want {
		ts.Fatalf("stderr:\n%swant:\n%s", got, want)
	}
}

// expandFiles replaces ${NAME} in files, by a secret, or by a character that no
// output may hold: expand FILE...
func expandFiles(ts *testscript.TestScript, _ bool, args []string) {
	values := []string{"${ESCAPE}", "\x1b", "${BELL}", "\a", "${OVERRIDE}", "\u202e"}
	for name, value := range secrets() {
		values = append(values, "${"+name+"}", value)
	}
	replacer := strings.NewReplacer(values...)
	for _, file := range args {
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(replacer.Replace(ts.ReadFile(file))), 0o600))
	}
}

// clean wants no planted secret, in no form, in the output of the last command
// and in files: clean [FILE...].
func clean(ts *testscript.TestScript, _ bool, args []string) {
	for _, file := range append([]string{"stdout", "stderr"}, args...) {
		text := ts.ReadFile(file)
		for name, secret := range secrets() {
			sum := sha256.Sum256([]byte(secret))
			for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), url.QueryEscape(secret), hex.EncodeToString(sum[:])} {
				if strings.Contains(text, form) {
					ts.Fatalf("%s holds secret %s", file, name)
				}
			}
		}
		if i := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' || r == '\u202e' }); i >= 0 {
			ts.Fatalf("%s holds a control character: %+q", file, text[i:])
		}
	}
}

// gzipFile compresses: gz FROM TO.
func gzipFile(ts *testscript.TestScript, _ bool, args []string) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), packed.Bytes(), 0o600))
}

// cutFile takes bytes off the end of a file: cut FILE BYTES.
func cutFile(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	text := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text[:len(text)-n]), 0o600))
}

// same wants the first match of a key's string in two files of JSON lines to be
// the same: same KEY FILE FILE.
func same(ts *testscript.TestScript, neg bool, args []string) {
	value := func(file string) string {
		_, rest, ok := strings.Cut(ts.ReadFile(file), `"`+args[0]+`":"`)
		if !ok {
			ts.Fatalf("%s has no %s", file, args[0])
		}
		value, _, _ := strings.Cut(rest, `"`)
		return value
	}
	if a, b := value(args[1]), value(args[2]); (a == b) == neg {
		ts.Fatalf("%s: %s and %s", args[0], a, b)
	}
}
