package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/leaktap/leaktap/"

// mayImport lists, for each package, the packages of leaktap that it may import:
// arrows point at classify (law 2). A package that is not listed fails.
var mayImport = map[string][]string{
	"classify":            {"classify/jsonscan", "classify/planes"},
	"classify/planes":     nil,
	"classify/planes/asm": nil,
	"classify/jsonscan":   {"classify/planes"},
	"classify/detect":     {"classify", "classify/jsonscan"},
	"classify/policy":     {"classify", "classify/jsonscan", "classify/planes"},
	// classify/detect/detecttest reads corpora, for tests and for `rules test`.
	"classify/detect/detecttest": {"classify"},
	"classify/window":            {"classify"},
	"capture":                    {"classify"},
	// kafkaconn knows brokers and nothing of ours: both ends of Kafka connect alike.
	"kafkaconn":            nil,
	"ingest":               {"classify", "classify/jsonscan", "kafkaconn"},
	"alert":                {"alert/spool", "classify", "kafkaconn"},
	"alert/spool":          nil,
	"alert/login":          nil,
	"alert/page":           {"alert", "alert/login", "classify"},
	"dashboards":           nil,
	"deploy":               nil,
	"e2e":                  nil,
	"internal/metricstest": nil,
	"cmd/leaktap": {
		"alert", "alert/login", "alert/page", "capture", "classify", "classify/detect", "classify/detect/detecttest", "classify/policy", "classify/window", "dashboards", "ingest", "kafkaconn",
	},
	"score":        {"classify", "classify/detect", "ingest", "score/corpus"},
	"score/corpus": nil, // a second opinion knows nothing of the first
}

// pure lists what classify and below may not import (law 1); time is there for
// its types, and the linter forbids the clock.
var pure = []string{"os", "net", "net/http", "io/fs", "log", "log/slog", "sync", "os/signal"}

// fences say which packages alone may import a module (law 3). client_golang is
// in capture and ingest too, because law 4 has constructors take its Registerer;
// elsewhere it is in files named metrics.go.
var fences = map[string][]string{
	"github.com/google/gopacket":                {"capture"},
	"github.com/segmentio/kafka-go":             {"ingest", "alert", "kafkaconn"},
	"github.com/prometheus/client_golang":       {"alert", "capture", "ingest"},
	"github.com/spf13/cobra":                    {"cmd/leaktap"},
	"github.com/prometheus/exporter-toolkit":    {"cmd/leaktap"},
	"github.com/twmb/franz-go":                  {"cmd/leaktap"},
	"github.com/klauspost/compress":             {"capture", "ingest"},
	"github.com/andybalholm/brotli":             {"capture"},
	"github.com/goccy/go-yaml":                  {"cmd/leaktap", "classify/policy"},
	"github.com/expr-lang/expr":                 {"ingest"},
	"github.com/fsnotify/fsnotify":              {"cmd/leaktap", "ingest"},
	"golang.org/x/crypto":                       {"alert/login"},
	"github.com/aws/aws-msk-iam-sasl-signer-go": {"kafkaconn"},
}

// sources calls f for every Go file of the repository that is no test, and
// fails for those of more than 400 lines (law 10).
func sources(t *testing.T, f func(pkg, file string, tree *ast.File)) {
	t.Helper()
	const root = "../.."
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".." || entry.Name() == "testdata") {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		files := token.NewFileSet()
		tree, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if lines := files.File(tree.FileStart).LineCount(); lines > 400 {
			t.Errorf("%s has %d lines, more than 400", name, lines)
		}
		pkg, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		f(filepath.ToSlash(pkg), filepath.Base(name), tree)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportLaws(t *testing.T) {
	seen := map[string]bool{}
	sources(t, func(pkg, file string, tree *ast.File) {
		seen[pkg] = true
		for _, spec := range tree.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			checkImport(t, pkg, file, path)
		}
	})
	for _, pkg := range []string{"classify", "classify/detect", "classify/policy", "capture", "ingest", "alert", "cmd/leaktap"} {
		if !seen[pkg] {
			t.Errorf("no file of %s was read: the test looks at nothing", pkg)
		}
	}
}

func checkImport(t *testing.T, pkg, file, path string) {
	t.Helper()
	if ours, ok := strings.CutPrefix(path, module); ok {
		allowed, known := mayImport[pkg]
		if !known || !slices.Contains(allowed, ours) {
			t.Errorf("%s/%s imports %s, which the laws do not allow", pkg, file, ours)
		}
		return
	}
	if strings.HasPrefix(pkg, "classify") && slices.Contains(pure, path) {
		t.Errorf("%s/%s imports %s: classify is pure", pkg, file, path)
	}
	for fence, allowed := range fences {
		if path != fence && !strings.HasPrefix(path, fence+"/") || slices.Contains(allowed, pkg) {
			continue
		}
		if fence == "github.com/prometheus/client_golang" && file == "metrics.go" {
			continue
		}
		t.Errorf("%s/%s imports %s, which only %v may", pkg, file, path, allowed)
	}
}

// TestNoInit looks for init functions (law 4; the linter knows the rest).
func TestNoInit(t *testing.T) {
	sources(t, func(pkg, file string, tree *ast.File) {
		for _, d := range tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s/%s has an init function", pkg, file)
			}
		}
	})
}

// TestStructs checks law 10: at most 15 fields.
func TestStructs(t *testing.T) {
	sources(t, func(pkg, file string, tree *ast.File) {
		ast.Inspect(tree, func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			fields := 0
			for _, f := range s.Fields.List {
				fields += max(1, len(f.Names))
			}
			if fields > 15 {
				t.Errorf("%s/%s has a struct of %d fields, more than 15", pkg, file, fields)
			}
			return true
		})
	})
}
