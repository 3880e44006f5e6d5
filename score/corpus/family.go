package corpus

// family is a kind of leak: what is planted, and the forms it stands in. A form
// is a template in which «!» is the planted value.
type family struct {
	name  string
	value func(*draw) string
	// rows are flat records NAME=TEMPLATE|NAME=#NUMBER…, written as JSON, forms,
	// XML, YAML, CSV or pairs.
	rows []string
	// lines are text log lines; they are also the message of JSON logs.
	lines []string
	// params are names in a URL's query, headers "Name: TEMPLATE" of responses,
	// asked "Name: TEMPLATE" of requests, which are no leak until they are logged.
	params, headers, asked []string
	// texts stand in the message of an error response; pages are whole documents.
	texts, pages []string
	// documents are whole JSON bodies.
	documents []string
	flags     flags
}

// flags say where a family is a leak.
type flags uint8

const (
	// anonymous: in responses to callers whom nobody knows, and in logs.
	anonymous flags = 1 << iota
	// responseOnly: in a log the same is in its place.
	responseOnly
	// failure: comes with status 500.
	failure
)

// makers draw values that a template may ask for by name, «!family maker».
func makers() map[string]func(*draw) string {
	return map[string]func(*draw) string{
		"md5": func(g *draw) string { return g.chars(hexa, 32) }, "sha256": func(g *draw) string { return g.chars(hexa, 64) }, "cookie": sessionCookie, "jvm": func(g *draw) string { return "/usr/lib/jvm/java-" + g.pattern("[12]{1}[0-9]{1}") }, "kubehost": func(*draw) string { return "10.96.0.1" },
		"ssn": ssn, "nino": nino, "dni": dni, "cpf": cpf, "bsn": bsn, "pesel": pesel, "personnummer": personnummer, "nir": nir,
		"hetu": hetu, "aadhaar": aadhaar, "codice": codiceFiscale, "signing": signingKey, "azure": azureConnection, "recovery": recoveryCode,
		"true": func(*draw) string { return "true" },
		"role": func(g *draw) string {
			return pick(g, []string{"admin", "superuser", "owner", "moderator", "ROLE_ADMIN", "user", "staff"})
		},
		"objectid":  func(g *draw) string { return g.chars(hexa, 24) },
		"number":    func(g *draw) string { return g.pattern("[1-9]{1}[0-9]{2-6}") },
		"account":   func(g *draw) string { return g.chars(digits, 10) },
		"routing":   func(*draw) string { return "021000021" },
		"sortcode":  func(g *draw) string { return g.pattern("[0-9]{2}-[0-9]{2}-[0-9]{2}") },
		"mrn":       func(g *draw) string { return "MRN" + g.chars(digits, 8) },
		"nhs":       nhsNumber,
		"icd":       func(g *draw) string { return g.pattern("[A-N]{1}[0-9]{2}.[0-9]{1}") },
		"insurance": func(g *draw) string { return g.pattern("[A-Z]{1}[0-9]{9}") },
		"list":      func(*draw) string { return "" },
	}
}

// nhsNumber is the English NHS number with its check digit of 11.
func nhsNumber(g *draw) string {
	for {
		n := g.chars(digits, 9)
		check := 11 - weighted(n, 10, 9, 8, 7, 6, 5, 4, 3, 2)%11
		if check != 10 {
			return n + string(digits[check%11])
		}
	}
}

// group is a group of families as the score is told in.
type group struct {
	name     string
	families []family
}

func groups() []group {
	return []group{
		{"secrets and tokens", secretFamilies()},
		{"credential fields", credentialFamilies()},
		{"personal data", personalFamilies()},
		{"debug leaks", debugFamilies()},
		{"access and excess", accessFamilies()},
	}
}

// families returns all families by name.
func families() map[string]*family {
	byName := map[string]*family{}
	for _, g := range groups() {
		for i := range g.families {
			byName[g.families[i].name] = &g.families[i]
		}
	}
	return byName
}

// Group names the families of one group.
type Group struct {
	Name     string
	Families []string
}

// Groups lists the families in the order in which a score is told.
func Groups() (list []Group) {
	for _, g := range groups() {
		names := make([]string, len(g.families))
		for i := range names {
			names[i] = g.families[i].name
		}
		list = append(list, Group{g.name, names})
	}
	return list
}
