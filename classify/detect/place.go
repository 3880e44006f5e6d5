package detect

import (
	"bytes"
	"net/netip"
	"regexp"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// pathRoots are where servers keep what they run and how they are set up
// (Filesystem Hierarchy Standard 3.0, and the customs of images and hosters).
var pathRoots = []string{
	"/home/", "/Users/", "/var/", "/srv/", "/opt/", "/usr/",
	"/app/", "/root/", "/workspace/", "/code/", "/etc/", "/proc/", "/mnt/", "/tmp/", "/run/",
}

// drives start the paths of Windows; other letters are rare on servers.
var drives = []string{"c:\\", "d:\\", "e:\\", "f:\\"}

func sourcePath() classify.Detector {
	// a file of a kind that stays on servers, or a place that is one whatever
	// stands in it
	const segments, file = `(?:[\w.@+~()-]+/)*`, `[\w.@+~-]+`
	re := regexp.MustCompile(`(?i)^(?:(?:/(?:home|Users|var/(?:www|lib|log|run|task|cache|opt|spool)|private/var|srv|opt|usr/(?:local/)?(?:lib(?:64|exec)?|share|etc|bin|src|bundle|go|tomcat)|usr/src|app|root|tmp|run|workspace|code|etc|mnt)/|[A-Z]:\\{1,2}(?:[\w .@+~()-]+(?:\\{1,2}|/))*)` +
		segments + file + `\.(?:py|pyc|rb|js|jsx|ts|tsx|mjs|cjs|java|kt|go|php\d?|phtml|twig|cs|vb|cpp|cc|h|c|rs|scala|exs?|erl|pl|pm|lua|jar|war|class|dll|exe|` +
		`so(?:\.\d+)*|erb|cshtml|aspx?|ascx|jsp|conf|config|cfg|ini|env|ya?ml|toml|properties|xml|json|sqlite3?|db|sql|log|sock|pid|pem|key|crt|jks|p12|sh|bat|ps1|lock|bak|tmp)\b|` +
		`/etc/(?:passwd|shadow|group|hosts|hostname|fstab|crontab|resolv\.conf|(?:nginx|apache2|httpd|ssl|ssh|mysql|postgresql|php|letsencrypt|kubernetes|systemd|cron\.d)/` + segments + file + `)|` +
		`/proc/(?:self|sys|\d+|net)/\w|/var/(?:run/secrets|lib/(?:mysql|postgresql|docker|kubelet)|www/html)/` + segments + file + `)`)
	// any file below a server's directories, in an error that speaks of it
	below := regexp.MustCompile(`^/(?:var|opt|root|etc|usr|mnt|tmp|run|proc|srv)/[\w.@+~-]+(?:/[\w.@+~-]+)+`)
	// and below those that routes are called by too, where the system's own error speaks of it
	opened := regexp.MustCompile(`^/(?:home|Users|app|code|workspace)/[\w.@+~-]+(?:/[\w.@+~-]+)*`)
	return &detector{errorRule("error-path", "A response tells a path of the server's file system",
		"Only absolute paths of servers to source, library, data or configuration files match; URLs, links to a page's assets and documentation stay silent.",
		[]string{"CWE-209", "CWE-497"},
		classify.Trigger{Anchors: pathRoots, Words: drives, Parts: inResponse()},
	), func(c *classify.Candidate) {
		lo := c.Lo
		if lo > 0 && (isWordByte(c.Text[lo-1]) && !behindEscape(c) || bytes.IndexByte([]byte("./:-}"), c.Text[lo-1]) >= 0 && !behindColon(c.Text, lo)) {
			return // a part of a URL or of a longer path
		}
		behind := c.Text[lo:min(len(c.Text), lo+400)]
		loc := re.FindIndex(behind)
		if loc == nil && c.X.Status >= 400 && nearError(c) {
			loc = below.FindIndex(behind)
		}
		if loc == nil && isSystemError(c) {
			loc = opened.FindIndex(behind)
		}
		if loc == nil || isLink(c, lo, lo+loc[1]) || inProse(c) || isMount(c) {
			return
		}
		c.Report(classify.Match{Lo: lo, Hi: lo + loc[1], Show: "path of a server"})
	}}
}

// isMount says whether a path is where a manifest mounts something into a container
// (Kubernetes API, VolumeMount): the manifest says it, no error does.
func isMount(c *classify.Candidate) bool {
	return c.X.Status < 400 && (equalFold(c.Key, "mountpath") || holdsAny(c.Before(16), []string{"mountpath"}))
}

// isSystemError says whether the text around a path is that of a failed system call: the
// messages of strerror(3) in POSIX systems and the names of their numbers (errno.h).
func isSystemError(c *classify.Candidate) bool {
	before, behind := c.Text[max(0, c.Lo-96):c.Lo], c.Text[c.Hi:min(len(c.Text), c.Hi+192)]
	return holdsAny(before, systemErrors) || holdsAny(behind, systemErrors)
}

var systemErrors = []string{
	"no such file or directory", "permission denied", "is a directory", "not a directory", "file exists", "directory not empty", "no space left on device",
	"read-only file system", "enoent", "eacces", "eisdir", "enotdir", "eexist", "[errno ",
}

// behindColon says whether a path stands behind a word and a colon
// ("open:/etc/passwd"), which no URL does with a single slash.
func behindColon(text []byte, lo int) bool {
	return text[lo] == '/' && text[lo-1] == ':' && lo+1 < len(text) && text[lo+1] != '/' && (lo < 2 || !isDigit(text[lo-2]))
}

// isLink says whether a path is one of the web: under the name of a link, in an
// attribute that holds one, or to a script or style among a page's assets.
func isLink(c *classify.Candidate, lo, hi int) bool {
	before := c.Text[max(0, lo-8):lo]
	if holdsAny(before, []string{"get ", "post ", "put ", "patch ", "delete ", "route "}) {
		return true
	}
	if c.X.Status >= 400 && nearError(c) {
		return false
	}
	switch string(bytes.ToLower(c.Key[:min(len(c.Key), 12)])) {
	case "href", "src", "url", "uri", "link", "icon", "image", "img", "logo", "asset", "script", "style", "route", "permalink", "srcset", "action", "thumbnail", "location":
		return true
	}
	for _, attribute := range []string{"href=", "src=", "url(", "action=", "import ", "from "} {
		if bytes.Contains(before, []byte(attribute)) {
			return true
		}
	}
	path := c.Text[lo:hi]
	if !holdsAny(path[max(0, len(path)-6):], []string{".js", ".css", ".json", ".mjs", ".xml", ".map"}) {
		return false
	}
	return !nearError(c) && (equalFold(c.Key, "path") && holdsAny(path[:min(len(path), 5)], []string{"/app/", "/home", "/code", "/srv/"}) || holdsAny(path, []string{"/static/", "/assets/", "/public/", "/dist/", "/build/", "/_next/", "/js/", "/bundles/", "/media/"}))
}

// innerSuffixes end names that resolve inside of a network only: RFC 6762
// appendix G, RFC 8375, ICANN's .internal, and the customs of Kubernetes and EC2.
var innerSuffixes = []string{
	".svc", ".svc.cluster.local", ".cluster.local", ".internal", ".local", ".lan", ".corp", ".intranet", ".localdomain", ".home.arpa",
}

func internalHost() classify.Detector {
	rule := errorRule("internal-host", "A response tells an internal host or address",
		"Versions and other numbers with dots, networks, loopback and documentation addresses stay silent, and so do names that code or "+
			"documentation writes with such an ending.",
		[]string{"CWE-497"},
		classify.Trigger{
			Anchors: append([]string{"192.168.", "172.", "10.", "100.", "ip-10-", "ip-172-", "ip-192-168-", "fd"}, innerSuffixes...),
			Parts:   inResponse(),
		})
	rule.Category, rule.Severity = classify.CategoryInternal, classify.Low
	rule.Why = "Inner names and addresses show how the network is built and serve in forged requests (SSRF)."
	rule.Fix = "Rewrite Location and error texts at the edge; leave hosts and addresses out of responses."
	return &detector{rule, func(c *classify.Candidate) {
		m := classify.Match{Lo: c.Lo, Hi: c.Hi}
		switch c.Anchor[0] {
		case '.':
			m.Lo, m.Hi = innerName(c)
			m.Show = "name ending in " + c.Anchor
		case 'i':
			m.Hi = ec2Name(c)
			m.Show = "name made of a private address"
		case 'f':
			m.Hi = uniqueLocal(c)
			m.Show = "private address"
		default:
			m.Hi = privateAddress(c)
			m.Show = "private address"
		}
		if m.Hi > m.Lo && !inProse(c) {
			c.Report(m)
		}
	}}
}

// privateAddress returns the end of an IPv4 address of RFC 1918 or RFC 6598 at
// the candidate, 0 if there is none.
func privateAddress(c *classify.Candidate) int {
	end := c.Lo
	for end < len(c.Text) && end-c.Lo <= len("255.255.255.255") && (isDigit(c.Text[end]) || c.Text[end] == '.') {
		end++
	}
	if c.Text[end-1] == '.' { // of a sentence
		end--
	}
	if text := c.Text[c.Lo:end]; bytes.Count(text, []byte(".")) != 3 || !isInner(text) || isOtherNumber(c, end) { // most are prices
		return 0
	}
	return end
}

// isInner says whether a text is an address of RFC 1918 or RFC 6598, and none of a
// network.
func isInner(text []byte) bool {
	ip, err := netip.ParseAddr(string(text))
	if err != nil {
		return false
	}
	octets := ip.As4()
	shared := octets[0] == 100 && octets[1]&0xC0 == 64
	return (ip.IsPrivate() || shared) && (octets[2] != 0 || octets[3] != 0)
}

// isOtherNumber says whether the four numbers up to end are no address: a part of
// a longer number, a network, a version.
func isOtherNumber(c *classify.Candidate, end int) bool {
	return goesOn(c.Text[end:]) || comesFrom(c) || holdsAny(c.Key, versionWords) || holdsAny(c.Before(12), versionWords)
}

// goesOn says whether what stands behind an address makes it another thing.
func goesOn(behind []byte) bool {
	if len(behind) == 0 {
		return false
	}
	if next := behind[0]; next != '.' && next != '/' {
		return isWordByte(next) || next == '-'
	}
	return len(behind) > 1 && isDigit(behind[1])
}

// comesFrom says whether what stands before an address makes it another thing: a
// product's version has one slash before it (Chrome/10.0.12.4), a URL's host two.
func comesFrom(c *classify.Candidate) bool {
	if c.Lo == 0 {
		return false
	}
	var before2 byte
	if c.Lo > 1 {
		before2 = c.Text[c.Lo-2]
	}
	switch before := c.Text[c.Lo-1]; before {
	case '.', '+':
		return true
	case '-':
		return isWordByte(before2)
	case '/':
		return before2 != '/'
	default:
		return isWordByte(before) && !behindEscape(c)
	}
}

var versionWords = []string{"version", "firmware", "oid", "build", "release", "section", "serial", "netmask", "subnet", "cidr", "sdk", "chapter"}

// ec2Name returns the end of a host name that Amazon EC2 makes of a private
// address (docs.aws.amazon.com, "EC2 instance hostname types"), 0 if there is none.
func ec2Name(c *classify.Candidate) int {
	i, numbers := c.Lo+len("ip"), 0
	for i+1 < len(c.Text) && c.Text[i] == '-' && isDigit(c.Text[i+1]) {
		for i++; i < len(c.Text) && isDigit(c.Text[i]); i++ {
		}
		numbers++
	}
	if numbers != 4 || !freeBefore(c) {
		return 0
	}
	return i
}

// uniqueLocal returns the end of an IPv6 address of fc00::/7 (RFC 4193, of which
// only fd00::/8 is assigned), 0 if there is none.
func uniqueLocal(c *classify.Candidate) int {
	i := c.Lo
	for i < len(c.Text) && i-c.Lo < 40 && (isHex(c.Text[i]) || c.Text[i] == ':') {
		i++
	}
	if i-c.Lo < 8 || c.Text[c.Lo+4] != ':' || !freeBefore(c) || c.Lo > 0 && c.Text[c.Lo-1] == ':' || i < len(c.Text) && isWordByte(c.Text[i]) {
		return 0
	}
	if ip, err := netip.ParseAddr(string(c.Text[c.Lo:i])); err != nil || !ip.IsPrivate() {
		return 0
	}
	return i
}

// innerName returns the bounds of a host name that ends in an inner suffix. Code
// and file names have such endings too: the name has to be one of a URL, have a
// port, stand for itself under the name of a host, or be written as hosts are.
func innerName(c *classify.Candidate) (lo, hi int) {
	lo, hi = c.Lo, c.Hi
	for lo > 0 && c.Lo-lo < 253 && isHostByte(c.Text[lo-1]) {
		lo--
	}
	name, behind := c.Text[lo:c.Lo], c.Text[hi:]
	switch {
	case len(name) == 0 || name[0] == '.' || name[0] == '-' || isPackage(name) || bytes.HasSuffix(name, []byte("host.docker")),
		len(behind) > 0 && (isWordByte(behind[0]) || bytes.IndexByte([]byte("-(=["), behind[0]) >= 0),
		len(behind) > 1 && behind[0] == '.' && isWordByte(behind[1]),
		c.Anchor == ".svc" && bytes.IndexByte(name, '.') < 0,
		!isHost(c, lo, name):
		return 0, 0
	}
	return lo, hi
}

func isHostByte(b byte) bool { return isWordByte(b) || b == '-' || b == '.' }

// isHost judges a name, which starts at lo, by its surroundings.
func isHost(c *classify.Candidate, lo int, name []byte) bool {
	before, behind := c.Text[max(0, lo-2):lo], c.Text[c.Hi:]
	switch {
	case bytes.Equal(before, []byte("//")), len(behind) > 1 && behind[0] == ':' && isDigit(behind[1]), c.Anchor == ".svc.cluster.local":
		return true
	case len(before) > 0 && bytes.IndexByte([]byte("@$~/"), before[len(before)-1]) >= 0:
		return false
	}
	dots, telling := bytes.Count(name, []byte(".")), bytes.ContainsAny(name, "-0123456789")
	whole := lo == 0 && len(behind) == 0
	return whole && (telling || holdsAny(c.Key, hostWords)) || telling && dots < 5 && !inCode(c) || dots > 0 && inError(c)
}

var hostWords = []string{"host", "node", "server", "upstream", "backend", "instance", "endpoint", "url", "addr", "pod", "machine", "origin", "domain", "fqdn", "proxy", "peer", "broker"}

// isPackage says whether a dotted name starts as that of a package or a chain of
// members does.
func isPackage(name []byte) bool {
	first, _, dotted := bytes.Cut(name, []byte("."))
	switch string(first) {
	case "com", "org", "net", "io", "java", "javax", "sun", "this", "self", "window", "process", "module", "exports", "settings", "config", "env":
		return dotted || len(first) == len(name)
	}
	return false
}

// inCode says whether the candidate stands in a script or a style sheet.
func inCode(c *classify.Candidate) bool {
	t := c.ContentType()
	return strings.Contains(t, "javascript") || strings.Contains(t, "css")
}
