package ingest

import "bytes"

// A private key has many lines, and tells what it is in the first of them only: without the
// others no rule would know that there is a key. PEM (RFC 7468, and RFC 1421 for its headers),
// OpenPGP's armour (RFC 9580, section 6.2), and the file of PuTTY (its manual, appendix C).

// opensKey says whether a private key starts in the line and goes on behind it.
func opensKey(line []byte) bool {
	_, key, pem := bytes.Cut(line, []byte("-----BEGIN "))
	if pem {
		label, _, _ := bytes.Cut(key, []byte("-----"))
		return bytes.Contains(label, []byte("PRIVATE KEY")) && !closesKey(line)
	}
	return bytes.HasPrefix(line, []byte("PuTTY-User-Key-File-"))
}

// maxKeyLine bounds a line of a key, in bytes: RFC 7468 asks for 64, OpenSSH writes 70, and a
// log may indent them.
const maxKeyLine = 120

// insideKey says whether a line can stand between the first and the last of a key: base64, a
// header, or none.
func insideKey(line []byte) bool {
	text := bytes.TrimSpace(line)
	if len(text) > maxKeyLine {
		return false
	}
	name, _, header := bytes.Cut(text, []byte(": "))
	if header {
		text = name
	}
	for _, b := range text {
		letter := 'a' <= b|0x20 && b|0x20 <= 'z'
		if !letter && (b < '0' || b > '9') && bytes.IndexByte([]byte("+/=-"), b) < 0 {
			return false
		}
	}
	return true
}

// closesKey says whether a line is the last of a key.
func closesKey(line []byte) bool {
	return bytes.Contains(line, []byte("-----END ")) || bytes.HasPrefix(line, []byte("Private-MAC: "))
}

// keyGoesOn says whether a line belongs to the key that was open before it, and whether the
// key is open behind it.
func keyGoesOn(line []byte) (belongs, open bool) {
	if closesKey(line) {
		return true, false
	}
	belongs = insideKey(line)
	return belongs, belongs
}
