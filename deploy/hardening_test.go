package deploy

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// uid is that of the images' user, which no system account has.
const uid = 65532

// TestHardening holds all workloads to Pod Security restricted and more; what
// the DaemonSets take beyond is in their own tests.
func TestHardening(t *testing.T) {
	t.Parallel()
	points := []struct {
		name string
		ok   func(p pod, c container) bool
	}{
		{"one container and no init container", func(p pod, _ container) bool { return len(p.Containers) == 1 && len(p.InitContainers) == 0 }},
		{"runs as non-root", func(p pod, _ container) bool { return p.SecurityContext.RunAsNonRoot }},
		{"runs as the image's user", func(p pod, _ container) bool { return p.SecurityContext.RunAsUser == uid }},
		{"seccomp profile of the runtime", func(p pod, _ container) bool { return p.SecurityContext.SeccompProfile.Type == "RuntimeDefault" }},
		{"no token of a service account", func(p pod, _ container) bool { return p.Automount != nil && !*p.Automount }},
		{"service account of its own", func(p pod, _ container) bool { return p.ServiceAccountName == "leaktap" }},
		{"no process namespace of the host", func(p pod, _ container) bool { return !p.HostPID }},
		{"no IPC namespace of the host", func(p pod, _ container) bool { return !p.HostIPC }},
		{"not privileged", func(_ pod, c container) bool { return !c.SecurityContext.Privileged }},
		{"no_new_privs", func(_ pod, c container) bool {
			return c.SecurityContext.AllowPrivilegeEscalation != nil && !*c.SecurityContext.AllowPrivilegeEscalation
		}},
		{"read-only root", func(_ pod, c container) bool { return c.SecurityContext.ReadOnlyRootFilesystem }},
		{"drops all capabilities", func(_ pod, c container) bool {
			return slices.Equal(c.SecurityContext.Capabilities.Drop, []string{"ALL"})
		}},
		{"memory limit", func(_ pod, c container) bool { return bytesOf(t, c.Resources.Limits["memory"], "Mi") > 0 }},
		{"processor limit", func(_ pod, c container) bool { return c.Resources.Limits["cpu"] != "" }},
		{"GOMEMLIMIT nine tenths of the limit", memoryLeft},
		{"liveness probe", func(_ pod, c container) bool { return c.LivenessProbe.HTTPGet.Path == "/-/healthy" }},
		{"readiness probe", func(_ pod, c container) bool { return c.ReadinessProbe.HTTPGet.Path == "/-/ready" }},
		{"image pinned", func(_ pod, c container) bool {
			return strings.Contains(c.Image, ":") && !strings.HasSuffix(c.Image, ":latest")
		}},
	}
	for _, namespace := range []string{tailing, sniffing, reading} {
		spec := workload(t, namespace).Spec.Template.Spec
		for _, point := range points {
			t.Run(namespace+"/"+point.name, func(t *testing.T) {
				if len(spec.Containers) == 0 || !point.ok(spec, spec.Containers[0]) {
					t.Error("is not so")
				}
			})
		}
	}
}

// TestVolumes: configuration and secrets, read-only. Only who reads files has the
// host's logs, read-only as well, and a place for how far they were read.
func TestVolumes(t *testing.T) {
	t.Parallel()
	for _, namespace := range []string{tailing, sniffing, reading} {
		p := workload(t, namespace).Spec.Template.Spec
		for _, v := range p.Volumes {
			logs := map[string]any{"path": "/var/log", "type": "Directory"}
			isLogs := namespace == reading && v["name"] == "logs" && len(v) == 2 && cmp.Equal(v["hostPath"], any(logs))
			isState := namespace == reading && v["name"] == "state" && len(v) == 2 && v["emptyDir"] != nil
			if foreign(v) && !isLogs && !isState {
				t.Errorf("%s: volume %v", namespace, v)
			}
		}
		for _, m := range p.Containers[0].VolumeMounts {
			if !m.ReadOnly && (namespace != reading || m.Name != "state") {
				t.Errorf("%s: %s is mounted to be written to", namespace, m.Name)
			}
		}
	}
}

// foreign says whether a volume is neither of a ConfigMap nor of a Secret: no
// path of the host, no claim, nothing to write to.
func foreign(v volume) bool {
	return len(v) != 2 || v["configMap"] == nil && v["secret"] == nil
}

// memoryLeft leaves the kernel a tenth for sockets and the binary's pages.
func memoryLeft(_ pod, c container) bool {
	for _, e := range c.Env {
		limit, ok := strings.CutSuffix(c.Resources.Limits["memory"], "Mi")
		soft, ok2 := strings.CutSuffix(e.Value, "MiB")
		if e.Name == "GOMEMLIMIT" && ok && ok2 {
			hard, err := strconv.Atoi(limit)
			got, err2 := strconv.Atoi(soft)
			return err == nil && err2 == nil && got == hard*9/10
		}
	}
	return false
}

// bytesOf reads a quantity that has to have the unit.
func bytesOf(t *testing.T, quantity, unit string) int {
	t.Helper()
	number, ok := strings.CutSuffix(quantity, unit)
	n, err := strconv.Atoi(number)
	if !ok || err != nil {
		t.Errorf("quantity %q: want a number of %s", quantity, unit)
	}
	return n
}

// TestGroups: the image's, but where root's is needed to read files.
func TestGroups(t *testing.T) {
	t.Parallel()
	for _, namespace := range []string{tailing, sniffing} {
		if gid := workload(t, namespace).Spec.Template.Spec.SecurityContext.RunAsGroup; gid != uid {
			t.Errorf("%s runs as group %d, want the image's", namespace, gid)
		}
	}
}

func TestDeployment(t *testing.T) {
	t.Parallel()
	w := workload(t, tailing)
	c := w.Spec.Template.Spec.Containers[0]
	if len(c.SecurityContext.Capabilities.Add) > 0 {
		t.Errorf("adds capabilities %v, want none", c.SecurityContext.Capabilities.Add)
	}
	if w.Spec.Template.Spec.HostNetwork {
		t.Error("is in the host's network")
	}
	if strings.Contains(c.Image, "sniff") {
		t.Errorf("image %s asks for a capability that the kernel would refuse", c.Image)
	}
	for _, kind := range []string{"Deployment", "PodDisruptionBudget"} {
		if diff := cmp.Diff(w.Spec.Template.Metadata.Labels, object(t, kind, tailing).Spec.Selector.MatchLabels); diff != "" {
			t.Errorf("selector of the %s (-labels +selector):\n%s", kind, diff)
		}
	}
}

func TestSniffer(t *testing.T) {
	t.Parallel()
	w := workload(t, sniffing)
	p := w.Spec.Template.Spec
	c := p.Containers[0]
	if diff := cmp.Diff([]string{"NET_RAW"}, c.SecurityContext.Capabilities.Add); diff != "" {
		t.Errorf("added capabilities (-want +got):\n%s", diff)
	}
	if !p.HostNetwork {
		t.Error("is not in the host's network: it would sniff itself only")
	}
	if !strings.HasPrefix(c.Image, "leaktap-sniff:") {
		t.Errorf("image %s lacks the file capability", c.Image)
	}
	checkDaemonSet(t, w)
}

// TestFileReader holds the reader of log files to no capability and to the group that
// may read them, and to leaving its own log out.
func TestFileReader(t *testing.T) {
	t.Parallel()
	w := workload(t, reading)
	p := w.Spec.Template.Spec
	c := p.Containers[0]
	if len(c.SecurityContext.Capabilities.Add) > 0 || p.HostNetwork || strings.Contains(c.Image, "sniff") {
		t.Errorf("capabilities %v, host's network %v, image %s", c.SecurityContext.Capabilities.Add, p.HostNetwork, c.Image)
	}
	if p.SecurityContext.RunAsGroup != 0 {
		t.Errorf("group %d: files of mode 0640 are for root's group", p.SecurityContext.RunAsGroup)
	}
	if !slices.ContainsFunc(c.Env, func(e variable) bool {
		return e.Name == "POD_NAME" && e.ValueFrom.FieldRef.FieldPath == "metadata.name"
	}) {
		t.Error("POD_NAME is not the pod's name: its own log would be read")
	}
	if milli := bytesOf(t, c.Resources.Requests["cpu"], "m"); milli > 100 {
		t.Errorf("%dm of CPU are asked for on each node, want 100m at most", milli)
	}
	checkDaemonSet(t, w)
}

// checkDaemonSet holds a workload to being on every node.
func checkDaemonSet(t *testing.T, w manifest) {
	t.Helper()
	p := w.Spec.Template.Spec
	if got := w.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable; got != "10%" {
		t.Errorf("maxUnavailable = %q, want 10%%", got)
	}
	if diff := cmp.Diff([]map[string]string{{"operator": "Exists"}}, p.Tolerations); diff != "" {
		t.Errorf("tolerations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(w.Spec.Template.Metadata.Labels, w.Spec.Selector.MatchLabels); diff != "" {
		t.Errorf("selector (-labels +selector):\n%s", diff)
	}
}
