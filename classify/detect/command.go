package detect

import (
	"bytes"
	"regexp"
	"slices"

	"github.com/leaktap/leaktap/classify"
)

// commandSyntax is one of commandSyntaxes.
type commandSyntax struct{ anchor, need, expr string }

// commandSyntaxes are the places where programs take a password that stands
// under no name and sign: the file of ftp(1) and curl (.netrc), PostgreSQL's
// .pgpass (libpq, "The Password File"), options of commands, SQL statements
// that set one, constants of WordPress' wp-config.php, and Spring's {noop} encoder. The first group is the password; need is a
// literal that has to follow, so that the expression is seldom tried.
var commandSyntaxes = []commandSyntax{
	{"machine ", " login ", `machine \S+\s+login\s+\S+\s+password\s+(\S+)`},
	{":5432:", "", `:5432:[^:\s]+:[^:\s]+:([^\s:"']+)(?:$|[\s"'\\])`},
	{"--password ", "", `--password\s+['"]?([^\s'"-][^\s'"]*)`},
	{"-password ", "", `-password\s+['"]?([^\s'"-][^\s'"]*)`},
	// lists of arguments as Python prints them, and the EXECVE records of Linux' audit: a3="--password" a4="…"
	{"--password'", "'", `--password', '([^'-][^']{2,127})'`},
	{"-password'", "'", `-password', '([^'-][^']{2,127})'`},
	{"--password\"", "\"", `--password",?\s+(?:a\d{1,3}=)?"([^"-][^"]{2,127})"`},
	{"-password\"", "\"", `-password",?\s+(?:a\d{1,3}=)?"([^"-][^"]{2,127})"`},
	{"--passwd ", "", `--passwd\s+['"]?([^\s'"-][^\s'"]*)`},
	{"sshpass -p", "", `sshpass -p\s*['"]?([^\s'"]+)`},
	{"mysql -", " -p", `mysql (?:[^\n|;]{0,120}?\s)?-p['"]?([^\s'"]+)`},
	{"mysqldump -", " -p", `mysqldump (?:[^\n|;]{0,120}?\s)?-p['"]?([^\s'"]+)`},
	{"redis-cli ", "-a", `redis-cli [^\n|;]{0,120}?-a\s+['"]?([^\s'"]+)`},
	{"ldapsearch ", " -w", `ldapsearch [^\n|;]{0,200}?\s-w\s*['"]?([^\s'"-][^\s'"]*)`}, // OpenLDAP, ldapsearch(1)
	{"ldapmodify ", " -w", `ldapmodify [^\n|;]{0,200}?\s-w\s*['"]?([^\s'"-][^\s'"]*)`},
	{"ldapadd ", " -w", `ldapadd [^\n|;]{0,200}?\s-w\s*['"]?([^\s'"-][^\s'"]*)`},
	{"ldapwhoami ", " -w", `ldapwhoami [^\n|;]{0,200}?\s-w\s*['"]?([^\s'"-][^\s'"]*)`},
	{"net user ", " /add", `net user \S{1,64} ([^\s/*]\S{2,64}) /add`},                  // Microsoft, "Net user"
	{"net use ", " /user:", `net use [^\n|;/]{0,200}?\\\\\S+ ([^\s/*]\S{2,64}) /user:`}, // Microsoft, "Net use"
	{"curl ", "-u", `curl [^\n|]{0,400}?(?:-u|--user|--proxy-user)[ =]?['"]?[^\s:'"]+:([^\s'"]+)`},
	{"IDENTIFIED BY ", "", `IDENTIFIED BY (?:PASSWORD )?['"]([^'"]{3,})['"]`},
	{"identified by ", "", `identified by (?:password )?['"]([^'"]{3,})['"]`},
	{"IDENTIFIED WITH ", " BY '", `IDENTIFIED WITH [\w'"]{3,64} BY '([^']{3,})'`}, // MySQL, "CREATE USER Statement"
	{"identified with ", " by '", `identified with [\w'"]{3,64} by '([^']{3,})'`},
	{"ConvertTo-SecureString ", "-", `ConvertTo-SecureString (?:-String )?['"]([^'"$]{3,128})['"]`}, // PowerShell
	{"\"AUTH\" \"", "", `"AUTH" (?:"[^"]{1,64}" )?"([^"]{4,128})"`},                                 // Redis, command MONITOR
	{"password\";s:", "\"", `password";s:\d+:"([^"]{3,128})"`},                                      // PHP, serialize
	{"WITH PASSWORD ", "", `WITH PASSWORD '([^']{3,})'`},
	{"password '", "'", `password '([^'\s]{4,64})'`},
	{"password \"", "\"", `password "([^"\s]{4,64})"`},
	{"password to '", "'", `password to '([^'\s]{4,64})'`},
	{"password to \"", "\"", `password to "([^"\s]{4,64})"`},
	{"PASS ", "", `PASS ([^\s'"]{4,128})(?:$|[\r\n'"]|\\[rn])`},                   // RFC 959 (FTP), RFC 1939 (POP3)
	{"AUTH ", "", `AUTH (?:default )?['"]?([^\s'"]{6,128})(?:$|[\r\n'"]|\\[rn])`}, // Redis, command AUTH
	{"with password ", "", `with password:? ['"]?([^\s'"]{6,64})`},
	{"password was ", "", `password was:? ['"]?([^\s'"]{6,64})`},
	{"password for ", "", `password for (?:user )?['"]?[\w.@+-]{1,64}['"]?(?: is|:) ?['"]?([^\s'"]{6,64})`},
	{"password is ", "", `password is:? ['"]?([^\s'"]{6,64})`},
	{"docker login ", " -p", `docker login [^\n|;]{0,200}?\s(?:-p|--password)[ =]\s*['"]?([^\s'"-][^\s'"]*)`},
	{"define(", ",", `define\(\s*['"](?:[A-Z_]*PASS(?:WORD|WD)?|(?:AUTH|SECURE_AUTH|LOGGED_IN|NONCE)_(?:KEY|SALT))['"]\s*,\s*['"]([^'"\n]{4,})['"]`},
	{"form-data; name=", "\n", `form-data; name="?(?:\w{0,32}[_-])?(?i:pass(?:word|wd|phrase)?|passwort|pwd)[12]?"?\r?\n\r?\n([^\r\n]{3,128})`}, // RFC 7578, in a log
	{"{noop}", "", `\{noop\}([^\s"'<>]{3,})`},
	{"jdbc:oracle:thin:", "", `jdbc:oracle:thin:[^/@\s]+/([^@\s"']+)@`},
}

// commands are commandSyntaxes ready to match.
type commands struct {
	anchors []string
	exprs   []*regexp.Regexp // of the anchors, in their order
}

func newCommands() (cmds commands) {
	for _, s := range commandSyntaxes {
		cmds.anchors = append(cmds.anchors, s.anchor)
		cmds.exprs = append(cmds.exprs, regexp.MustCompile("^"+s.expr))
	}
	return cmds
}

// maxCommand bounds the bytes of a command that are looked at.
const maxCommand = 640

// password returns the password of the command at the candidate.
func (cmds *commands) password(c *classify.Candidate) (lo, hi int, ok bool) {
	n := slices.Index(cmds.anchors, c.Anchor)
	if n < 0 || c.Anchor[0] != ':' && c.Anchor[0] != '-' && !freeBefore(c) {
		return 0, 0, false
	}
	text := c.Text[c.Lo:min(len(c.Text), c.Lo+maxCommand)]
	if !isCommandPlace(c) || !bytes.Contains(text, []byte(commandSyntaxes[n].need)) {
		return 0, 0, false
	}
	loc := cmds.exprs[n].FindSubmatchIndex(text)
	if loc == nil {
		return 0, 0, false
	}
	lo, hi = c.Lo+loc[2], c.Lo+loc[3]
	v := c.Text[lo:hi]
	if slices.Contains(spokenAnchors, c.Anchor) {
		if v = bytes.TrimRight(v, ").,;:"); !isSpoken(c, v, isQuotedAt(c.Text, lo)) {
			return 0, 0, false
		}
		hi = lo + len(v)
	}
	return lo, hi, !isNoSecret(v) && v[0] != '$' && bytes.IndexByte(v, '`') < 0
}

// isQuotedAt says whether a quote stands before a value of a statement that takes its password
// in quotes.
func isQuotedAt(text []byte, lo int) bool {
	return lo > 0 && (text[lo-1] == '\'' || text[lo-1] == '"')
}

// spokenAnchors are those of commandSyntaxes that stand in sentences.
var spokenAnchors = []string{"password for ", "with password ", "password was ", "password is "}

// isSpoken tells a password from the words that sentences go on with ("with password
// authentication", "password is required"). In logs and errors it has a digit or a sign, and
// without quotes letters, digits, and a sign or a capital among small letters, as rules for
// passwords ask for.
func isSpoken(c *classify.Candidate, v []byte, inQuotes bool) bool {
	if c.Where != classify.InRecord && c.X.Status < 400 || len(v) < minSpoken {
		return false
	}
	if inQuotes {
		return hasDigitOrSign(v)
	}
	s := shapeOf(v)
	return s.digits > 0 && s.letters() > 1 && s.other == 0 && !bytes.ContainsAny(v, "<>{}=()[]") &&
		(!only(v, "-._/:") || s.upper > 0 && s.lower > 1 && only(v, ""))
}

// minSpoken is the length of the shortest password that is told by its signs alone.
const minSpoken = 6

// isCommandPlace says whether a short anchor stands where a command does: an option behind two
// hyphens, a command of a protocol behind its name or the sign of a wire log.
func isCommandPlace(c *classify.Candidate) bool {
	before := c.Before(24)
	switch c.Anchor {
	case "-password ", "-password'", "-password\"":
		option := bytes.TrimRight(before, "abcdefghijklmnopqrstuvwxyz0123456789_-")
		return bytes.HasPrefix(before[len(option):], []byte("--"))
	case "PASS ":
		return holdsAny(before, []string{"ftp", "pop3", "> "})
	case "AUTH ":
		return holdsAny(before, []string{"redis", "valkey"})
	case "form-data; name=":
		return holdsAny(c.Text[c.Lo:min(len(c.Text), c.Lo+64)], []string{"pass", "pwd"})
	}
	return true
}
