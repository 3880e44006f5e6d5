package corpus

import (
	"strings"
)

// special writes the families that are more than a value in a place.
func (g *Generator) special(f *family, size int) (Record, bool) {
	switch f.name {
	case "debug-page":
		return g.whole(f, pick(&g.draw, debugPages)), true
	case "debugger-secret":
		return g.whole(f, debugPages[0]), true
	case "directory-listing":
		return g.whole(f, pick(&g.draw, directoryListings)), true
	case "overexposed-list":
		return g.exposedList(f), true
	case "inconsistent-items":
		return g.inconsistent(f), true
	case "mass-assignment":
		return g.massAssignment(f), true
	case "echoed-secret":
		return g.echo(f, size), true
	}
	return Record{}, false
}

// whole is a page that is the leak.
func (g *Generator) whole(f *family, text string) Record {
	page := g.expand(text, plainText, f.name)
	family := f.name
	if family == "debugger-secret" {
		family = "debug-page"
	}
	page.leaks = append(page.leaks, planted{family: family, value: titleOf(page.text), hi: len(page.text)})
	return g.answered(f, "page", "text/html; charset=utf-8", page)
}

// titleOf names a page in the list of misses.
func titleOf(page string) string {
	_, title, _ := strings.Cut(page, "<title>")
	title, _, _ = strings.Cut(title, "</title>")
	return title
}

// exposedList is a list of people for a caller whom nobody knows.
func (g *Generator) exposedList(f *family) Record {
	row := pick(&g.draw, []string{
		"username=«login»|email=«!email»|phone=«!phone»", "name=«person»|email=«!email»|birth_date=«!birth-date»", "login=«login»|email=«!email»|password_hash=«!password-hash»", "name=«person»|iban=«!iban»|street=«!address»",
	})
	name := pick(&g.draw, []string{"users", "customers", "members", "results"})
	var w writer
	w.WriteString(`{"` + name + `":[`)
	for i := range g.between(3, 60) {
		if i > 0 {
			w.WriteByte(',')
		}
		w.put(g.object(row, ""))
	}
	w.WriteString(`]}`)
	d := w.done(jsonText)
	d.leaks = append(d.leaks, planted{family: f.name, hi: len(d.text), pointer: "/" + name})
	return g.answered(f, "list", "application/json", d)
}

// inconsistent is a list in which the filter is missing on some items.
func (g *Generator) inconsistent(f *family) Record {
	extra := pick(&g.draw, []string{`,"password_hash":"«!password-hash»"`, `,"internal_id":«!internal-id number»,"cost_price":«price»`, `,"is_admin":«!privilege true»`})
	n := g.between(5, 30)
	odd := g.IntN(n)
	var w writer
	w.WriteString(`{"items":[`)
	for i := range n {
		if i > 0 {
			w.WriteByte(',')
		}
		w.put(g.expand(`{"handle":"«login»","bio":"«words 4»","joined":"«date»"`, jsonText, ""))
		if i == odd {
			w.put(g.expand(extra, jsonText, f.name))
		}
		w.WriteByte('}')
	}
	w.WriteString(`]}`)
	d := w.done(jsonText)
	d.leaks = append(d.leaks, planted{family: f.name, hi: len(d.text), pointer: "/items"})
	return g.answered(f, "list", "application/json", d)
}

// massAssignment sends a privilege and gets it back (CWE-915).
func (g *Generator) massAssignment(f *family) Record {
	flag := pick(&g.draw, []string{`"is_admin":true`, `"role":"admin"`, `"isSuperuser":true`, `"permissions":["all"]`, `"verified":true,"account_role":"owner"`})
	name := strings.Trim(flag[:strings.Index(flag, ":")], `"`)
	x := g.newExchange("/users/"+g.login(), false)
	x.method, x.status = pick(&g.draw, []string{"POST", "PUT", "PATCH"}), pick(&g.draw, []int{200, 201})
	x.ask("Content-Type", "application/json")
	x.requestBody = document{text: `{"name":"` + g.person() + `",` + flag + `}`, syntax: jsonText}
	x.response = document{text: `{"id":"` + g.uuid() + `","name":"` + g.person() + `",` + flag + `}`, syntax: jsonText}
	if strings.HasPrefix(name, "verified") {
		name = "account_role"
	}
	x.response.leaks = []planted{{family: "privilege", pointer: "/" + name}}
	x.requestBody.leaks = []planted{{family: f.name, pointer: "/" + name}}
	return g.written(f.name+"/json", x)
}

// echo answers with the secret that the request sent.
func (g *Generator) echo(f *family, size int) Record {
	x := g.newExchange("/v1/login", true)
	x.method, x.status = "POST", pick(&g.draw, []int{422, 400, 500})
	x.ask("Content-Type", "application/json")
	secret := g.chars(base62, 14)
	x.requestBody = document{text: `{"username":"` + g.login() + `","password":"` + secret + `"}`, syntax: jsonText}
	fragment := pick(&g.draw, []string{`{"detail":[{"type":"string_too_short","loc":["body","password"],"msg":"String should have at least 16 characters","input":"` + secret + `"}]}`, `{"error":"value '` + secret + `' is not valid"}`, `{"message":"invalid input","received":{"username":"x","value":"` + secret + `"}}`})
	d := document{text: fragment, syntax: jsonText}
	at := strings.Index(fragment, secret)
	d.leaks = []planted{{family: f.name, value: secret, lo: at, hi: at + len(secret)}}
	x.response = g.around(d, size/2)
	return g.written(f.name+"/json", x)
}
