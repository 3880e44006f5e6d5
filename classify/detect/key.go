package detect

import (
	"bytes"
	"encoding/base64"
	"regexp"

	"github.com/leaktap/leaktap/classify"
)

const (
	pemAnchor = "-----BEGIN "
	// pemInBase64 is how base64 of a PEM file starts, as kubeconfig's
	// client-key-data and Kubernetes secrets hold it.
	pemInBase64 = "LS0tLS1CRUdJTi"
	// puttyAnchor starts a private key of PuTTY (its manual, appendix C).
	puttyAnchor = "PuTTY-User-Key-File-"

	maxPEM = 16 << 10
	minPEM = 40 // base64 characters; an Ed25519 key in PKCS #8 has 64
	// maxJWK bounds how far from its type the private part of a JSON Web Key is
	// looked for.
	maxJWK = 4 << 10
)

// pemHead is the label of a private key (RFC 7468, section 2), as PKCS #1,
// PKCS #8, SEC 1, OpenSSH and OpenPGP write it.
const pemHead = `^-----BEGIN (?:(?:RSA|EC|DSA|PGP|OPENSSH|ENCRYPTED|ED25519) )?PRIVATE KEY(?: BLOCK)?-----`

func privateKey() classify.Detector {
	head := regexp.MustCompile(pemHead)
	return &detector{classify.Rule{
		ID: "private-key", Category: classify.CategoryCredential, Severity: classify.Critical, Exclusive: true,
		Title:          "A private key is exposed",
		Why:            "Whoever holds the key can sign, decrypt or log in as its owner.",
		Fix:            "Replace the key pair, revoke its certificates, and keep keys in a secret store that no response or log is built from.",
		FalsePositives: "Public keys, certificates, and a header without key material behind it stay silent.",
		CWE:            []string{"CWE-321", "CWE-532"}, OWASP: []string{"API8:2023"},
		On: classify.Trigger{Anchors: []string{pemAnchor, pemInBase64, puttyAnchor}, Fields: []string{"jwk"}},
	}, func(c *classify.Candidate) {
		if onTheWay(c) {
			return
		}
		switch c.Anchor {
		case pemAnchor:
			keyInPEM(c, head)
		case pemInBase64:
			keyInBase64(c, head)
		case puttyAnchor:
			keyOfPuTTY(c)
		default:
			keyInJSON(c)
		}
	}}
}

func keyInPEM(c *classify.Candidate, head *regexp.Regexp) {
	end, _, ok := matchAt(head, c, 64)
	if !ok {
		return
	}
	rest := c.Text[end:min(len(c.Text), end+maxPEM)]
	if i := bytes.Index(rest, []byte("-----")); i >= 0 {
		rest = rest[:i]
	}
	if keyBytes(rest) < minPEM || bytes.Contains(rest, []byte("...")) {
		return
	}
	c.Report(classify.Match{Lo: c.Lo, Hi: end + len(rest), Public: 11, Confidence: classify.HighConfidence})
}

// keyBytes counts the base64 characters of a PEM body.
func keyBytes(body []byte) (n int) {
	for _, b := range body {
		if isWordByte(b) || b == '+' || b == '/' || b == '=' {
			n++
		}
	}
	return n
}

func keyInBase64(c *classify.Candidate, head *regexp.Regexp) {
	hi := c.Hi
	for hi < len(c.Text) && hi-c.Lo < maxPEM && isB64Token(c.Text[hi]) {
		hi++
	}
	const label = 64 // base64 characters, of 48 bytes: the longest label and its dashes
	if !freeBefore(c) || hi-c.Lo < label+minPEM {
		return
	}
	var plain [label]byte
	n, err := base64.StdEncoding.Decode(plain[:], c.Text[c.Lo:c.Lo+label])
	if err == nil && head.Match(plain[:n]) {
		c.Report(classify.Match{Lo: c.Lo, Hi: hi, Public: len(pemInBase64), Confidence: classify.HighConfidence})
	}
}

func keyOfPuTTY(c *classify.Candidate) {
	rest := c.Text[c.Hi:min(len(c.Text), c.Hi+maxPEM)]
	_, private, found := bytes.Cut(rest, []byte("Private-Lines:"))
	if i := bytes.Index(private, []byte("Private-MAC:")); i >= 0 {
		private = private[:i]
	}
	if found && keyBytes(private) >= minPEM {
		hi := c.Hi + bytes.Index(rest, []byte("Private-Lines:")) + len("Private-Lines:") + len(private)
		c.Report(classify.Match{Lo: c.Lo, Hi: hi, Public: len(puttyAnchor), Confidence: classify.HighConfidence})
	}
}

// keyInJSON takes a JSON Web Key with its private part beside its type: "d" of an
// asymmetric key, "k" of a symmetric one (RFC 7518, section 6).
func keyInJSON(c *classify.Candidate) {
	member := []byte(`"d"`)
	switch string(c.Value()) {
	case "oct":
		member = []byte(`"k"`)
	case "RSA", "EC", "OKP":
	default:
		return
	}
	before, after := c.Around(maxJWK)
	if i := bytes.LastIndexByte(before, '{'); i >= 0 {
		before = before[i:]
	}
	after, _, _ = bytes.Cut(after, []byte("}"))
	for _, part := range [][]byte{before, after} {
		_, private, found := bytes.Cut(part, member)
		if !found { // a document may still be escaped
			_, private, found = bytes.Cut(part, []byte(string(member[:2])+`\"`))
		}
		private = bytes.TrimLeft(private, ` :"\`)
		if n := wordEnd(private, 0); found && n >= minOpaque && isRandom(private[:n]) {
			c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Show: "a private JSON Web Key", Confidence: classify.HighConfidence})
			return
		}
	}
}
