package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// unprovoked are messages that no script and no test shows, by their format, each with the reason.
var unprovoked = map[string]string{
	"start demo broker: %w":                     "it listens on any free port of loopback",
	"start demo shop: %w":                       "it listens on any free port of loopback",
	"encode schema: %w":                         "a schema holds texts, lists and mappings only",
	"classify: %d exchanges were not inspected": "no detector panics; TestPanicCostsItsExchange counts those of one that does",
	"is no URL":                                 "such a URL is refused before anything is connected to",
	"directory %s is not writable for this user: leaktap has to write there": "tests run as root, who may write everywhere",
}

// messageFormat is the format of an error, or of a line of check-config, and where it stands.
type messageFormat struct{ format, at string }

// TestEveryMessageIsShown looks for each error message of this package, and each line of
// check-config, in what scripts and tests expect. Who adds one shows it.
func TestEveryMessageIsShown(t *testing.T) {
	all := messages(t)
	if len(all) < 120 {
		t.Fatalf("only %d messages were found", len(all))
	}
	expected := expectations(t)
	seen := map[string]bool{}
	for _, m := range all {
		seen[m.format] = true
		_, excepted := unprovoked[m.format]
		shown := slices.ContainsFunc(expected, patternOf(m.format).MatchString)
		if shown == excepted {
			t.Errorf("%s: %q: shown %t, excepted %t", m.at, m.format, shown, excepted)
		}
	}
	for format, why := range unprovoked {
		if !seen[format] || why == "" {
			t.Errorf("%q is excepted (%s), and there is none", format, why)
		}
	}
}

// patternOf matches what a format makes.
func patternOf(format string) *regexp.Regexp {
	var pattern strings.Builder
	last := 0
	for _, verb := range regexp.MustCompile(`%[-+#0-9.]*[a-z]`).FindAllStringIndex(format, -1) {
		pattern.WriteString(regexp.QuoteMeta(format[last:verb[0]]) + ".*")
		last = verb[1]
	}
	return regexp.MustCompile(pattern.String() + regexp.QuoteMeta(format[last:]))
}

// messages are the formats in the source: of errors, problems of a configuration, and checks.
func messages(t *testing.T) (all []messageFormat) {
	t.Helper()
	for name, file := range parsed(t, "*.go", func(name string) bool { return !strings.HasSuffix(name, "_test.go") }) {
		checks := strings.HasPrefix(name, "check_")
		ast.Inspect(file.tree, func(n ast.Node) bool {
			var found []ast.Expr
			switch n := n.(type) {
			case *ast.CallExpr:
				found = messageArguments(n)
			case *ast.BasicLit:
				if checks && strings.Contains(n.Value, " ") { // messages of checks, beside errors
					found = []ast.Expr{n}
				}
			}
			for _, e := range found {
				for format := range strings.SplitSeq(strings.Join(literals(e), "\n"), "\n") {
					if letters := strings.Map(onlyLetters, regexp.MustCompile(`%[a-z]`).ReplaceAllString(format, "")); len(letters) >= 4 {
						all = append(all, messageFormat{format, file.positions.Position(e.Pos()).String()})
					}
				}
			}
			return true
		})
	}
	return all
}

func onlyLetters(r rune) rune {
	if unicode.IsLetter(r) {
		return r
	}
	return -1
}

// messageArguments are the arguments of a call that are a message.
func messageArguments(call *ast.CallExpr) []ast.Expr {
	var name string
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if pkg, ok := f.X.(*ast.Ident); ok && (pkg.Name == "errors" || pkg.Name == "fmt") {
			name = pkg.Name + "." + name
		}
	}
	at, known := map[string]int{"errors.New": 0, "fmt.Errorf": 0, "problem": 1, "add": 1, "need": 2}[name]
	if !known || len(call.Args) <= at {
		return nil
	}
	return call.Args[at : at+1]
}

// literals are the strings in an expression.
func literals(e ast.Expr) (all []string) {
	ast.Inspect(e, func(n ast.Node) bool {
		if _, isCall := n.(*ast.CallExpr); isCall {
			return false
		}
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				all = append(all, text)
			}
		}
		return true
	})
	return all
}

// parsedFile is a file of source.
type parsedFile struct {
	tree      *ast.File
	positions *token.FileSet
}

// parsed are the files of a pattern whose names are wanted.
func parsed(t *testing.T, pattern string, wanted func(name string) bool) map[string]parsedFile {
	t.Helper()
	all := map[string]parsedFile{}
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v", pattern, err)
	}
	for _, name := range names {
		if !wanted(name) {
			continue
		}
		positions := token.NewFileSet()
		tree, err := parser.ParseFile(positions, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = parsedFile{tree, positions}
	}
	return all
}

// expectations are the texts that scripts and tests want to see: the patterns and messages that
// commands of scripts name, lines of files that outputs are compared with, and strings in tests.
func expectations(t *testing.T) (all []string) {
	t.Helper()
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	wanted := regexp.MustCompile(`^(?:stdout|stderr|refused|wrong|grep) (?:-count=\d+ )?'(.*)'`)
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		compared := false
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSuffix(line, "\n")
			if file, ok := strings.CutPrefix(line, "-- "); ok {
				compared = regexp.MustCompile(`(?m)^cmp(env)? \S+ ` + regexp.QuoteMeta(strings.TrimSuffix(file, " --")) + `$`).Match(text)
			}
			if m := wanted.FindStringSubmatch(line); m != nil {
				all = append(all, strings.ReplaceAll(regexp.MustCompile(`\\([^\w\s])`).ReplaceAllString(m[1], "$1"), "''", "'"))
			} else if compared {
				all = append(all, line)
			}
		}
	}
	others := func(name string) bool { return name != "messages_test.go" }
	for _, pattern := range []string{"*_test.go", filepath.Join(repository, "e2e/*_test.go")} {
		for _, file := range parsed(t, pattern, others) {
			for _, d := range file.tree.Decls {
				ast.Inspect(d, func(n ast.Node) bool {
					if lit, ok := n.(*ast.BasicLit); ok {
						all = append(all, literals(lit)...)
					}
					return true
				})
			}
		}
	}
	return all
}
