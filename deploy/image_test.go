package deploy

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stage is what the Dockerfile lays down from one FROM to the next.
type stage struct {
	name, from   string
	instructions []string
}

// stages parses the Dockerfile.
func stages(t *testing.T) map[string]stage {
	t.Helper()
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	joined := strings.ReplaceAll(string(text), "\\\n", " ")
	all := map[string]stage{}
	var current stage
	from := regexp.MustCompile(`^FROM (?:--platform=\S+ )?(\S+) AS (\S+)$`)
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if m := from.FindStringSubmatch(line); m != nil {
			current = stage{from: m[1], name: m[2]}
		} else {
			current.instructions = append(current.instructions, strings.Join(strings.Fields(line), " "))
		}
		all[current.name] = current
	}
	return all
}

func TestImages(t *testing.T) {
	t.Parallel()
	all := stages(t)
	base := []string{
		"COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/",
		"USER 65532:65532",
		"EXPOSE 9464",
		`ENTRYPOINT ["/leaktap"]`,
		`CMD ["run", "--config", "/etc/leaktap/config/leaktap.yaml"]`,
	}
	want := map[string]stage{
		"base":  {"base", "scratch", base},
		"tail":  {"tail", "base", []string{"COPY --from=build /out/leaktap /leaktap"}},
		"sniff": {"sniff", "base", []string{"COPY --from=capability /out/leaktap /leaktap"}},
	}
	for name, stage := range want {
		if diff := cmp.Diff(stage, all[name], cmp.AllowUnexported(stage)); diff != "" {
			t.Errorf("stage %s (-want +got):\n%s", name, diff)
		}
	}
	if got := all["capability"]; got.from != "build" || !strings.HasSuffix(strings.Join(got.instructions, ""), "setcap cap_net_raw+ep /out/leaktap") {
		t.Errorf("stage capability: %+v", got)
	}
}

func TestDockerfileFetchesNothingUnpinned(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(mod)[1]
	if got, want := stages(t)["build"].from, fmt.Sprintf("golang:%s-bookworm", version); got != want {
		t.Errorf("build image %s, want go.mod's %s", got, want)
	}
	for _, s := range stages(t) {
		for _, instruction := range s.instructions {
			if strings.HasPrefix(instruction, "ADD") || strings.Contains(instruction, "://") {
				t.Errorf("stage %s fetches: %s", s.name, instruction)
			}
		}
	}
}

// build runs the Dockerfile's go build in folder and returns the binary's path.
func build(folder, target string) (string, error) {
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		return "", err
	}
	command := regexp.MustCompile(`(?m)^RUN (.* go build .*)$`).FindSubmatch(text)
	if command == nil {
		return "", errors.New("find go build in Dockerfile: there is none")
	}
	c := exec.Command("sh", "-c", strings.ReplaceAll(string(command[1]), "/out/", target+"/"))
	c.Dir = folder
	c.Env = append(c.Environ(), "TARGETOS=linux", "TARGETARCH=")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return filepath.Join(target, "leaktap"), nil
}

// built is the folder of the binary that tests share.
var built = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "leaktap-deploy-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(folder, 0o755); err != nil { // other users run it, too
		return folder, err
	}
	_, err = build("..", folder)
	return folder, err
})

// binaryOf returns the path of leaktap as the Dockerfile builds it.
func binaryOf(t *testing.T) string {
	t.Helper()
	folder, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, "leaktap")
}

func TestMain(m *testing.M) {
	if spec := os.Getenv(containerVariable); spec != "" {
		fmt.Fprintln(os.Stderr, startContainer(spec, os.Args[1:])) // returns on failure only
		os.Exit(1)
	}
	code := m.Run()
	if folder, _ := built(); folder != "" {
		_ = os.RemoveAll(folder)
	}
	os.Exit(code)
}

// TestBuildIsReproducible builds the same sources under another path: the
// binary may not show where it was made.
func TestBuildIsReproducible(t *testing.T) {
	t.Parallel()
	first, err := os.ReadFile(binaryOf(t))
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Symlink(sources, elsewhere); err != nil {
		t.Fatal(err)
	}
	path, err := build(elsewhere, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Errorf("two builds of the same sources differ (%d and %d bytes)", len(first), len(second))
	}
	if bytes.Contains(first, []byte(sources)) {
		t.Errorf("the binary holds the path of its sources")
	}
}

func TestBinaryIsStatic(t *testing.T) {
	t.Parallel()
	f, err := elf.Open(binaryOf(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary asks for a dynamic linker, which an image from scratch does not have")
		}
	}
	if f.Section(".symtab") != nil {
		t.Error("the binary has a symbol table")
	}
}
