// Package deploy has no code: its tests hold the manifests and the Dockerfile to
// what they promise. check.sh runs them after kubeconform.
package deploy

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// manifest is what the tests look at of a Kubernetes object.
type manifest struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name      string            `yaml:"name"`
		Namespace string            `yaml:"namespace"`
		Labels    map[string]string `yaml:"labels"`
	} `yaml:"metadata"`
	Data       map[string]string `yaml:"data"`
	StringData map[string]string `yaml:"stringData"`
	Automount  *bool             `yaml:"automountServiceAccountToken"`
	Resources  []string          `yaml:"resources"`
	Spec       struct {
		UpdateStrategy struct {
			RollingUpdate struct {
				MaxUnavailable string `yaml:"maxUnavailable"`
			} `yaml:"rollingUpdate"`
		} `yaml:"updateStrategy"`
		Selector selector `yaml:"selector"`
		Template struct {
			Metadata struct {
				Labels map[string]string `yaml:"labels"`
			} `yaml:"metadata"`
			Spec pod `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type selector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
}

type pod struct {
	ServiceAccountName string              `yaml:"serviceAccountName"`
	Automount          *bool               `yaml:"automountServiceAccountToken"`
	HostNetwork        bool                `yaml:"hostNetwork"`
	HostPID            bool                `yaml:"hostPID"`
	HostIPC            bool                `yaml:"hostIPC"`
	Tolerations        []map[string]string `yaml:"tolerations"`
	SecurityContext    struct {
		RunAsNonRoot   bool `yaml:"runAsNonRoot"`
		RunAsUser      int  `yaml:"runAsUser"`
		RunAsGroup     int  `yaml:"runAsGroup"`
		SeccompProfile struct {
			Type string `yaml:"type"`
		} `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	InitContainers []container `yaml:"initContainers"`
	Containers     []container `yaml:"containers"`
	Volumes        []volume    `yaml:"volumes"`
}

type container struct {
	Image           string     `yaml:"image"`
	Args            []string   `yaml:"args"`
	Env             []variable `yaml:"env"`
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		Privileged               bool  `yaml:"privileged"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct {
			Drop []string `yaml:"drop"`
			Add  []string `yaml:"add"`
		} `yaml:"capabilities"`
	} `yaml:"securityContext"`
	Resources struct {
		Requests map[string]string `yaml:"requests"`
		Limits   map[string]string `yaml:"limits"`
	} `yaml:"resources"`
	LivenessProbe  probe   `yaml:"livenessProbe"`
	ReadinessProbe probe   `yaml:"readinessProbe"`
	VolumeMounts   []mount `yaml:"volumeMounts"`
}

type variable struct {
	Name      string `yaml:"name"`
	Value     string `yaml:"value"`
	ValueFrom struct {
		FieldRef struct {
			FieldPath string `yaml:"fieldPath"`
		} `yaml:"fieldRef"`
	} `yaml:"valueFrom"`
}

type probe struct {
	HTTPGet struct {
		Path string `yaml:"path"`
	} `yaml:"httpGet"`
}

type mount struct {
	Name      string `yaml:"name"`
	MountPath string `yaml:"mountPath"`
	ReadOnly  bool   `yaml:"readOnly"`
}

// volume has one member beside its name, which says its kind.
type volume map[string]any

// manifests reads every YAML file of kubernetes/, by path.
func manifests(t *testing.T) map[string]manifest {
	t.Helper()
	all := map[string]manifest{}
	err := filepath.WalkDir("kubernetes", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var m manifest
		if err := yaml.Unmarshal(text, &m); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if strings.Contains(string(text), "\n---") {
			t.Errorf("%s holds several objects: give each a file", path)
		}
		all[path] = m
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The namespaces, one for each workload.
const (
	tailing  = "leaktap"
	sniffing = "leaktap-sniff"
	reading  = "leaktap-files"
)

// object returns the only object of a kind in a namespace.
func object(t *testing.T, kind, namespace string) manifest {
	t.Helper()
	var found []manifest
	for _, m := range manifests(t) {
		if m.Kind == kind && m.Metadata.Namespace == namespace {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d objects of kind %s in %s, want one", len(found), kind, namespace)
	}
	return found[0]
}

// workload returns what runs in a namespace.
func workload(t *testing.T, namespace string) manifest {
	t.Helper()
	if namespace == tailing {
		return object(t, "Deployment", namespace)
	}
	return object(t, "DaemonSet", namespace)
}

func TestKustomizationsNameEveryManifest(t *testing.T) {
	t.Parallel()
	for path, m := range manifests(t) {
		if filepath.Base(path) != "kustomization.yaml" {
			continue
		}
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, e := range entries {
			if !slices.Contains([]string{"kustomization.yaml", "secret.example.yaml"}, e.Name()) {
				want = append(want, e.Name())
			}
		}
		slices.Sort(m.Resources)
		if diff := cmp.Diff(want, m.Resources); diff != "" {
			t.Errorf("%s (-files +resources):\n%s", path, diff)
		}
	}
}

func TestKindsOfObjects(t *testing.T) {
	t.Parallel()
	kinds := map[string]int{}
	for _, m := range manifests(t) {
		kinds[m.Kind]++
	}
	want := map[string]int{ // no Role, no RoleBinding
		"Kustomization": 4, "Namespace": 3, "ServiceAccount": 3, "ConfigMap": 3, "Secret": 1,
		"Deployment": 1, "PodDisruptionBudget": 1, "NetworkPolicy": 1, "DaemonSet": 2,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("kinds of objects (-want +got):\n%s", diff)
	}
}

func TestPodSecurityOfNamespaces(t *testing.T) {
	t.Parallel()
	want := map[string]string{tailing: "restricted", sniffing: "privileged", reading: "privileged"}
	got := map[string]string{}
	for path, m := range manifests(t) {
		switch {
		case m.Kind == "Namespace":
			got[m.Metadata.Name] = m.Metadata.Labels["pod-security.kubernetes.io/enforce"]
		case m.Kind != "Kustomization" && want[m.Metadata.Namespace] == "":
			t.Errorf("%s: namespace %q is none of ours", path, m.Metadata.Namespace)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("enforced levels (-want +got):\n%s", diff)
	}
}

func TestServiceAccountsHoldNoToken(t *testing.T) {
	t.Parallel()
	for path, m := range manifests(t) {
		if m.Kind == "ServiceAccount" && (m.Automount == nil || *m.Automount) {
			t.Errorf("%s: automountServiceAccountToken is not false", path)
		}
	}
}
