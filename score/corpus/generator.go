package corpus

import (
	"math/rand/v2"
)

// Leak is something that a record leaks: a label.
type Leak struct {
	Family string `json:"family"`
	// Where is the part of the exchange, Pointer the place in it as in a finding;
	// a text has the empty pointer.
	Where   string `json:"where"`
	Pointer string `json:"pointer"`
	// Value is what was planted. It is synthetic.
	Value string `json:"value"`
}

// Record is one line of a corpus with its labels.
type Record struct {
	// Kind says what the record is made of, from the family or subject to the
	// spelling: "jwt/body-xml/apisix", "clean/weather/nginx", "like-card/…".
	Kind  string
	Line  []byte
	Leaks []Leak
	// InPlace are credentials that stand where they belong, in the request of a
	// recording: no leak, and yet a secret to who does not know the place.
	InPlace []string
}

// Generator makes the records of one corpus.
type Generator struct {
	draw
	share float64
	names []string
}

// The shares of records with a leak in the kinds of corpora.
const (
	CleanShare  = 0.001
	DirtyShare  = 0.30
	FamilyShare = 0.5
)

// New returns a generator whose records hold a leak in that share; equal seeds
// give equal corpora.
func New(seed uint64, share float64) *Generator {
	g := &Generator{
		draw:  draw{Rand: rand.New(rand.NewPCG(seed, 4)), templates: map[string]template{}, families: families(), makers: makers()},
		share: share,
	}
	for _, group := range Groups() {
		g.names = append(g.names, group.Families...)
	}
	return g
}

// The sizes of records in bytes: log-normal.
const (
	medianSize = 1500
	sigmaSize  = 1.05
	minSize    = 120
	maxSize    = 200_000
)

// Next makes the next record.
func (g *Generator) Next() Record {
	size := g.logNormal(medianSize, sigmaSize, minSize, maxSize)
	switch {
	case g.Float64() < g.share:
		return g.leaky(g.families[pick(&g.draw, g.names)], size)
	case g.chance(3):
		return g.lookalike(size)
	}
	return g.clean(size)
}
