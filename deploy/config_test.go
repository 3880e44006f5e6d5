package deploy

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfigurations runs check-config on what each workload's pods would read,
// with its volumes mounted below a temporary folder.
func TestConfigurations(t *testing.T) {
	t.Parallel()
	leaktap := binaryOf(t)
	key, err := exec.Command(leaktap, "key", "new").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, namespace := range []string{tailing, sniffing, reading} {
		t.Run(namespace, func(t *testing.T) {
			t.Parallel()
			w := workload(t, namespace)
			root := t.TempDir()
			config := mountVolumes(t, w, root, string(key))
			logOfAPod(t, root)
			out, err := exec.Command(leaktap, "check-config", config).CombinedOutput()
			want := "ok    " + config + ": 1 source\n"
			// A pod has nothing that outlives it, and so no ledger; there is no other warning.
			text := string(out)
			if err != nil || !strings.HasPrefix(text, want) || strings.Count(text, "warn ") != strings.Count(text, ": there is no sinks.ledger.path") {
				t.Errorf("check-config: %v\n%swant %sand no warning but for the ledger", err, out, want)
			}
		})
	}
}

// logOfAPod writes a log as every node has some, below root.
func logOfAPod(t *testing.T, root string) {
	t.Helper()
	dir := filepath.Join(root, "var/log/containers")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "shop_default_api.log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSecretExampleIsRefused makes sure that nobody runs with a key that is
// public.
func TestSecretExampleIsRefused(t *testing.T) {
	t.Parallel()
	config := mountVolumes(t, workload(t, tailing), t.TempDir(), object(t, "Secret", tailing).StringData["digest-key"])
	out, err := exec.Command(binaryOf(t), "check-config", config).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "read digest key") {
		t.Errorf("check-config with the example's key: %v\n%s", err, out)
	}
}

// mountVolumes writes the files of a pod's ConfigMap and Secret below root and
// returns the path of the configuration that its arguments name, in which every
// path is below root, too.
func mountVolumes(t *testing.T, w manifest, root, key string) (config string) {
	t.Helper()
	c := w.Spec.Template.Spec.Containers[0]
	var mounted []string
	for _, m := range c.VolumeMounts {
		mounted = append(mounted, m.MountPath, root+m.MountPath)
	}
	below := strings.NewReplacer(mounted...)
	for _, m := range c.VolumeMounts {
		files := map[string]string{"digest-key": key}
		if m.Name == "config" {
			files = object(t, "ConfigMap", w.Metadata.Namespace).Data
		}
		if err := os.MkdirAll(root+m.MountPath, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(root, m.MountPath, name), []byte(below.Replace(text)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, arg := range c.Args {
		if arg == "--config" {
			return path.Join(root, c.Args[i+1])
		}
	}
	t.Fatalf("%s: no --config in %v", w.Kind, c.Args)
	return ""
}
