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
	for _, kind := range []string{"Deployment", "DaemonSet"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := workload(t, kind)
			root := t.TempDir()
			config := mountVolumes(t, w, root, string(key))
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

// TestSecretExampleIsRefused makes sure that nobody runs with a key that is
// public.
func TestSecretExampleIsRefused(t *testing.T) {
	t.Parallel()
	config := mountVolumes(t, workload(t, "Deployment"), t.TempDir(), workload(t, "Secret").StringData["digest-key"])
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
			files = configMap(t, w.Metadata.Namespace).Data
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

func configMap(t *testing.T, namespace string) manifest {
	t.Helper()
	for _, m := range manifests(t) {
		if m.Kind == "ConfigMap" && m.Metadata.Namespace == namespace {
			return m
		}
	}
	t.Fatalf("no ConfigMap in namespace %s", namespace)
	return manifest{}
}
