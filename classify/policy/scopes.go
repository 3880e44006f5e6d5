package policy

import (
	"bytes"
	"encoding/base64"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// scopes finds which scopes a caller has; its buffer stays.
type scopes struct{ claims []byte }

// maxClaims bounds the payload of a token.
const maxClaims = 16 << 10

// of returns the bits of the scopes that a caller presents: in the claims of a bearer token
// (scope of RFC 8693, section 4.2, scp, roles, permissions), or in a header that was named.
// Whether the token is valid is for others to judge.
func (s *scopes) of(names []string, x *classify.Exchange, header string) (mask uint64) {
	if header != "" {
		mask = scopeBits(names, x.Request.Header(header))
	}
	value := bytes.TrimSpace(x.Request.Header("authorization"))
	scheme, token, found := bytes.Cut(value, []byte(" "))
	if !found || !bytes.EqualFold(scheme, []byte("bearer")) {
		return mask
	}
	_, rest, found := bytes.Cut(bytes.TrimSpace(token), []byte("."))
	payload, _, signed := bytes.Cut(rest, []byte("."))
	if !found || !signed || len(payload) > maxClaims {
		return mask
	}
	payload = bytes.TrimRight(payload, "=")
	size := base64.RawURLEncoding.DecodedLen(len(payload))
	if cap(s.claims) < size {
		s.claims = make([]byte, size)
	}
	n, err := base64.RawURLEncoding.Decode(s.claims[:size], payload)
	if err != nil {
		return mask
	}
	return mask | claimBits(names, s.claims[:n])
}

// claimBits reads the claims of a payload.
func claimBits(names []string, doc []byte) (mask uint64) {
	scanner := jsonscan.New(doc)
	telling := false
	for t := scanner.Next(); t.Kind != jsonscan.End; t = scanner.Next() {
		switch t.Kind {
		case jsonscan.Key:
			telling = classify.IsGrantClaim(doc[t.Start:t.End])
		case jsonscan.String:
			if telling {
				mask |= scopeBits(names, doc[t.Start:t.End])
			}
		}
	}
	return mask
}

// scopeBits returns the bits of the scopes in a text: words between spaces or commas.
func scopeBits(names []string, value []byte) (mask uint64) {
	for len(value) > 0 {
		end := bytes.IndexAny(value, " ,\t")
		word := value
		if end >= 0 {
			word, value = value[:end], value[end+1:]
		} else {
			value = nil
		}
		for i, name := range names {
			if string(word) == name {
				mask |= everybody << (i + 1)
			}
		}
	}
	return mask
}
