package corpus

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
)

// syntax is what a template makes, and so how values are escaped in it.
type syntax uint8

const (
	plainText syntax = iota
	jsonText
	htmlText // and XML
	formText
	lineText // text in which line ends are escaped
)

func (s syntax) escape(value string) string {
	switch s {
	case jsonText:
		return jsonEscape(value)
	case htmlText:
		return html.EscapeString(value)
	case formText:
		return url.QueryEscape(value)
	case lineText:
		return strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(value)
	case plainText:
	}
	return value
}

// jsonEscape returns the inside of a JSON string.
func jsonEscape(value string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return ""
	}
	return b.String()[1 : b.Len()-2]
}

// planted is a leak inside a text, at [lo,hi) of it. Its pointer leads to the
// string it stands in; suffix goes on into the layers inside of that.
type planted struct {
	family, value   string
	lo, hi          int
	pointer, suffix string
}

// document is a text with what was planted in it.
type document struct {
	text   string
	syntax syntax
	leaks  []planted
}

// template is a text with places to fill: «name argument» draws a value,
// «!family» plants a leak, «!» one of the family that is asked for.
type template []piece

type piece struct{ literal, name, arg string }

func (g *draw) compile(text string) template {
	if t, ok := g.templates[text]; ok {
		return t
	}
	var t template
	rest := text
	for rest != "" {
		literal, behind, ok := strings.Cut(rest, "«")
		p := piece{literal: literal}
		if ok {
			var place string
			place, behind, _ = strings.Cut(behind, "»")
			p.name, p.arg, _ = strings.Cut(place, " ")
		}
		t = append(t, p)
		rest = behind
	}
	g.templates[text] = t
	return t
}

// expand fills a template; own is the family that «!» stands for.
func (g *draw) expand(text string, s syntax, own string) document {
	var b strings.Builder
	d := document{syntax: s}
	for _, p := range g.compile(text) {
		b.WriteString(p.literal)
		if p.name == "" {
			continue
		}
		family, leak := strings.CutPrefix(p.name, "!")
		if !leak {
			b.WriteString(s.escape(g.value(p.name, p.arg)))
			continue
		}
		if family == "" {
			family = own
		}
		value := g.plant(family, p.arg)
		lo := b.Len()
		b.WriteString(s.escape(value))
		d.leaks = append(d.leaks, planted{family: family, value: value, lo: lo, hi: b.Len()})
	}
	d.text = b.String()
	if s == jsonText {
		d.point()
	}
	return d
}

// plant draws a leak of a family, from the maker named if one is.
func (g *draw) plant(family, maker string) string {
	if maker != "" {
		return g.makers[maker](g)
	}
	return g.families[family].value(g)
}

// value draws what a place in a template asks for.
func (g *draw) value(name, arg string) string {
	switch name {
	case "int":
		lo, hi := bounds(arg)
		return strconv.Itoa(g.between(lo, hi))
	case "price":
		return fmt.Sprintf("%d.%02d", g.between(1, 900), g.IntN(100))
	case "lat":
		return fmt.Sprintf("%.5f", 120*g.Float64()-60)
	case "float":
		return fmt.Sprintf("%.2f", 100*g.Float64())
	case "bool":
		return strconv.FormatBool(g.chance(2))
	case "date":
		return g.past().Format("2006-01-02")
	case "iso":
		return g.past().Format("2006-01-02T15:04:05Z")
	case "rfc1123":
		return g.past().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	case "unix":
		return strconv.FormatInt(g.past().Unix(), 10)
	case "ms":
		return strconv.FormatInt(g.past().UnixMilli(), 10)
	case "ns":
		return strconv.FormatInt(g.past().UnixNano(), 10)
	case "semver":
		return fmt.Sprintf("%d.%d.%d", g.IntN(12), g.IntN(30), g.IntN(20))
	}
	return g.text(name, arg)
}

// text draws words and identifiers.
func (g *draw) text(name, arg string) string {
	if list, ok := lists[name]; ok {
		return pick(g, list)
	}
	n, _ := strconv.Atoi(arg)
	switch name {
	case "words":
		return g.words(n)
	case "title":
		return capital(pick(g, plainWords)) + " " + g.words(2)
	case "sentence":
		return g.sentence()
	case "text":
		list := make([]string, n)
		for i := range list {
			list[i] = g.sentence()
		}
		return strings.Join(list, " ")
	case "slug":
		return strings.ReplaceAll(g.words(3), " ", "-")
	case "person":
		return g.person()
	case "login":
		return g.login()
	case "of":
		return pick(g, strings.Split(arg, "|"))
	}
	return g.random(name, arg)
}

// sets are the alphabets that templates ask for by name.
var sets = map[string]string{"hex": hexa, "d": digits, "b62": base62, "b64": b64std, "b64url": b64url, "upper": upper, "lower": lower}

// random draws what looks random: ids, sums, encodings.
func (g *draw) random(name, arg string) string {
	if set, ok := sets[name]; ok {
		n, _ := strconv.Atoi(arg)
		return g.chars(set, n)
	}
	switch name {
	case "uuid":
		return g.uuid()
	case "pattern":
		return g.pattern(arg)
	}
	return "?" + name + "?" // a test looks for it
}

func bounds(arg string) (lo, hi int) {
	first, second, _ := strings.Cut(arg, " ")
	lo, _ = strconv.Atoi(first)
	hi, _ = strconv.Atoi(second)
	return lo, hi
}

func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }
