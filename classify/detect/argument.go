package detect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// Programs get their secrets as arguments, too, and lists of them are written down by
// Kubernetes (Container.command and args), Docker (Cmd, Args), Elastic's process.args and whoever
// logs what it starts: ["mysql", "--password", "…"]. The option before a value names it.

// argumentValue returns the candidate of an element of a list of arguments, under the name of
// the option before it.
func argumentValue(c *classify.Candidate) (e classify.Candidate, ok bool) {
	v := c.Value()
	if c.Kind != classify.String || inPair(c) || len(v) < minPassword {
		return e, false
	}
	before, _ := c.Around(besideBytes)
	list := before[bytes.LastIndexByte(before, '[')+1:]
	e = *c
	if v[0] == '-' { // an option that holds its value: -pVALUE
		if e.Lo += len("-p"); v[1] != 'p' || !callsAny(list, valueInOption) {
			return e, false
		}
		e.Key, e.Field = []byte("password"), "password"
		return e, !slices.Contains([]string{"ort", "rotocol"}, string(v[2:min(len(v), 10)]))
	}
	option := argumentAhead(list)
	if isRawHeaders(c.Key) {
		e.Key, e.Field = option, c.Class(string(option))
		return e, e.Field != ""
	}
	if len(option) < 2 || option[0] != '-' {
		return e, false
	}
	if name := bytes.TrimLeft(option, "-"); len(name) > 2 && !isUserOption(option) {
		e.Key, e.Field = name, c.Class(string(name))
		return e, e.Field != "" && e.Field != "argument" && e.Field != "pair-value"
	}
	return e, shortOption(&e, option, list)
}

// isRawHeaders knows the name under which Node.js has names and values of headers by turns
// (message.rawHeaders of its documentation).
func isRawHeaders(name []byte) bool {
	return equalFold(name, "rawheaders") || equalFold(name, "raw_headers")
}

// argumentAhead returns the last complete string of a list whose next one begins at its end.
func argumentAhead(list []byte) []byte {
	list = bytes.TrimRight(list, `"\`)
	rest := trimEnd(list)
	if bytes.IndexByte(list[len(rest):], ',') < 0 {
		return nil
	}
	list = bytes.TrimRight(rest, `"\`)
	return list[bytes.LastIndexByte(list, '"')+1:]
}

// shortOptions are the options of one letter that take a password, by program: sshpass(1), redis-cli,
// docker-login, the clients of OpenLDAP and MongoDB, Microsoft's sqlcmd, rabbitmqadmin, curl.
var shortOptions = []struct {
	option   string
	programs []string
}{
	{"-p", []string{"sshpass", "docker", "podman", "mongo", "mongosh", "mongodump", "mongorestore", "mongoimport", "rabbitmqadmin", "helm", "oc"}},
	{"-a", []string{"redis-cli", "valkey-cli", "keydb-cli"}},
	{"-w", []string{"ldapsearch", "ldapmodify", "ldapadd", "ldapdelete", "ldapwhoami", "ldappasswd"}},
	{"-P", []string{"sqlcmd", "bcp"}},
	{"-u", []string{"curl"}},
	{"--user", []string{"curl"}},
	{"--proxy-user", []string{"curl"}},
}

// valueInOption are the programs of which -p holds its value: those of MySQL and MariaDB.
var valueInOption = []string{"mysql", "mysqldump", "mysqladmin", "mysqlimport", "mariadb", "mariadb-dump"}

// isUserOption says whether an option of curl takes account and password.
func isUserOption(option []byte) bool {
	return string(option) == "--user" || string(option) == "--proxy-user"
}

// shortOption narrows a candidate to the password that an option of a known program takes.
func shortOption(e *classify.Candidate, option, list []byte) bool {
	for _, s := range shortOptions {
		if s.option != string(option) || !callsAny(list, s.programs) {
			continue
		}
		e.Key, e.Field = []byte("password"), "password"
		if s.programs[0] == "curl" {
			at := bytes.IndexByte(e.Value(), ':')
			e.Lo += at + 1
			return at > 0 && e.Lo < e.Hi
		}
		if callsAny(list, []string{"docker", "podman"}) { // -p of docker run is a port
			return bytes.Contains(list, []byte(`"login`)) || bytes.Contains(list, []byte(`"login\`))
		}
		return true
	}
	// of a program that is not known, beside the account
	if v := e.Value(); string(option) == "-p" && callsAny(list, []string{"-u", "-U", "--user", "--username"}) && only(v, "!#$%&*+-?@^_~") {
		e.Key, e.Field = []byte("password"), "password"
		s := shapeOf(v)
		return s.digits > 0 && s.letters() > 2
	}
	return false
}

// callsAny says whether one of the programs is an element of a list, by its name or path.
func callsAny(list []byte, programs []string) bool {
	for part := range bytes.FieldsFuncSeq(list, func(r rune) bool { return strings.ContainsRune(`", \`, r) }) {
		if slices.Contains(programs, string(part[bytes.LastIndexByte(part, '/')+1:])) {
			return true
		}
	}
	return false
}
