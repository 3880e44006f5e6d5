package detect

import (
	"bytes"
	"slices"
)

// What stands where a secret could and is none, besides what is masked: words
// that say something about the secret, labels of forms, placeholders, and
// references to where the secret is kept.

// isStatusWord knows the words of type systems, of validation and of logs that
// are said of a secret.
func isStatusWord(lower []byte) bool {
	switch string(bytes.Trim(lower, "!?.:;,'\"`()")) {
	case "", "null", "nil", "none", "undefined", "nan", "void", "true", "false", "yes", "no", "on", "off", "n/a", "na", "-", "--",
		"string", "text", "str", "varchar", "char", "bytes", "byte", "bool", "boolean", "integer", "int", "number", "object", "array", "any",
		"required", "optional", "invalid", "missing", "unknown", "empty", "blank", "mandatory", "incorrect", "wrong", "correct", "mismatch",
		"match", "matches", "weak", "strong", "medium", "fair", "short", "long", "unset", "set", "present", "absent", "given",
		"expired", "expires", "revoked", "valid", "active", "inactive", "ok", "okay", "error", "failed", "fail", "passed", "success", "succeeded",
		"successful", "changed", "change", "reset", "updated", "update", "sent", "generated", "created", "provided", "rejected", "accepted",
		"denied", "forgotten", "forgot", "verified", "unverified", "pending", "taken", "enabled", "disabled", "encrypted", "hashed",
		"hidden", "redacted", "masked", "removed", "filtered", "sanitized", "omitted", "obfuscated", "anonymized", "scrubbed",
		"protected", "concealed", "suppressed", "write-only", "writeonly", "read-only", "readonly", "nullable", "not_null",
		"sha1", "sha256", "sha512", "md5", "bcrypt", "argon2", "argon2id", "scrypt", "pbkdf2", "plain", "plaintext", "cleartext", "hash",
		"bearer", "basic", "digest", "negotiate", "oauth", "oauth2", "jwt", "basic auth", "saml", "ldap", "oidc", "local", "is", "was",
		"must", "cannot", "should", "this", "for", "from", "the", "and", "or", "not", "has", "field", "input", "value", "key", "this.value",
		"email", "username", "e-mail", "public", "new", "old", "current", "length", "size", "type", "name", "function", "typeof", "return",
		"self", "request", "req", "data", "params", "options", "config", "env", "ctx", "e", "t", "n":
		return true
	}
	return false
}

// labels are the words for a password, token or key that forms show, in the
// languages of the field vocabulary.
var labels = []string{
	"passwort", "kennwort", "mot de passe", "contraseña", "contrasena", "clave", "clave de acceso", "senha", "palavra-passe", "wachtwoord",
	"hasło", "haslo", "lösenord", "losenord", "passord", "adgangskode", "kodeord", "salasana", "heslo", "jelszó", "parola", "şifre", "sifre",
	"пароль", "κωδικός", "סיסמה", "كلمة المرور", "パスワード", "密码", "密碼", "비밀번호", "mật khẩu", "kata sandi", "รหัสผ่าน",
}

// isLabel says whether a value is what a form calls the field, or a text in a
// script without capitals and digits.
func isLabel(lower []byte) bool {
	v := bytes.TrimRight(lower, " :*?!.")
	if slices.Contains(labels, string(v)) {
		return true
	}
	above := 0
	for _, c := range v {
		if c >= 0x80 {
			above++
		}
	}
	return above*3 > len(v)*2 // running text above ASCII
}

// weakWords are words that people do set as secrets, and that stand in their
// place in documentation and forms as well: context decides.
var weakWords = []string{
	"password", "passwd", "passphrase", "passcode", "pass", "pwd", "secret", "testing", "tester", "test", "administrator", "admin",
	"superuser", "root", "username", "user", "guest", "default", "changeme", "demo", "token", "welcome", "private", "login",
	"postgres", "mysql", "mariadb", "redis", "mongo", "rabbitmq", "minio", "api", "key", "db", "database",
}

// placeholderWords are words that show that a value was never a secret.
var placeholderWords = []string{
	"your", "my", "example", "sample", "placeholder", "insert", "replace", "enter", "here", "dummy", "fake", "todo", "with", "the", "some", "xxx", "xx",
	"change", "value", "this", "new", "client", "access", "string", "account", "auth", "and", "of", "in", "to", "id", "be", "real", "app", "foo", "bar", "baz",
	"redacted", "hidden", "masked", "removed", "filtered", "sanitized", "omitted", "service", "session", "jwt", "hash", "hashed", "webhook", "signing", "random",
}

// placeholderParts are parts of values that people put where a secret goes.
var placeholderParts = []string{
	"example", "placeholder", "changeme", "change_me", "change-me", "change-this", "change_this", "your_", "your-", "yourpass", "yoursecret", "yourtoken",
	"yourkey", "<your", "redacted", "filtered]", "masked]", "sanitized", "dummy", "insert_", "insert-", "replace_", "replace-", "not set", "not-set",
	"not_set", "todo:", "fake-", "fake_", "goes-here", "goes_here", "_here", "-here",
}

// hasOnlyWords says whether a value is made of words of the lists and of signs
// between them.
func hasOnlyWords(lower []byte, lists ...[]string) bool {
	for len(lower) > 0 {
		n := 0
		if c := lower[0]; !isDigit(c) && !isLetter(c) && c < 0x80 && c != '!' && c != '@' && c != '#' {
			n = 1
		}
		for _, list := range lists {
			for _, w := range list {
				if len(w) > n && bytes.HasPrefix(lower, []byte(w)) {
					n = len(w)
				}
			}
		}
		if n == 0 {
			return false
		}
		lower = lower[n:]
	}
	return true
}

// isReference says whether a value only tells where the secret is: a variable,
// a template, a path, a URL, an entry of a vault, an expression of a program.
func isReference(v []byte) bool {
	switch v[0] {
	case '{', '<', '%':
		return v[0] != '%' || v[len(v)-1] == '%' || bytes.HasPrefix(v, []byte("%env(")) || isFormatKey(v)
	case '[':
		return v[len(v)-1] == ']'
	case '$':
		return isExpansion(v)
	case '/', '~':
		return isPath(v)
	case '.':
		return bytes.HasPrefix(v, []byte("./")) || bytes.HasPrefix(v, []byte("../"))
	case '@':
		return bytes.HasPrefix(v, []byte("@Microsoft.KeyVault"))
	}
	for _, start := range references {
		if bytes.HasPrefix(v, []byte(start)) {
			return true
		}
	}
	return bytes.Contains(v, []byte("{{")) || bytes.Contains(v, []byte("${"))
}

// isExpansion matches what shells expand, and the head of a text that Ansible Vault encrypted
// (Ansible, "Encrypting content with Ansible Vault").
func isExpansion(v []byte) bool {
	return len(v) > 1 && (v[1] == '{' || v[1] == '(' || isVariable(v[1:])) || bytes.HasPrefix(v, []byte("$ANSIBLE_VAULT;"))
}

// isFormatKey matches a mapping key of Python's printf-style formatting (its library's
// reference, "printf-style String Formatting"), as logging and SQL texts have them: %(password)s.
func isFormatKey(v []byte) bool {
	return bytes.HasPrefix(v, []byte("%(")) && len(v) > len("%()s") && v[len(v)-2] == ')' && isLetter(v[len(v)-1])
}

// references are how references to secrets start; HashiCorp Vault's audit devices write
// hmac-sha256: and a keyed digest in the place of every value ("Audit devices", sensitive
// information).
var references = []string{
	"http://", "https://", "op://", "vault:", "secret:", "ssm:", "arn:aws", "file:", "env:", "ENC[", "ENC(", "!vault", "awssm:", "gcpsm:", "azurekv:",
	"kms:", "hmac-sha256:", "ref+", "projects/", "alias/", "process.env", "os.environ", "os.getenv", "getenv(", "env(", "ENV[", "System.getenv", "config.",
	"this.", "self.", "settings.", "Deno.env", "import.meta", "secrets.", "data:", "urn:", "ssh-rsa ", "-----BEGIN PUBLIC", "-----BEGIN CERT",
}

// isVariable matches the name of an environment variable.
func isVariable(v []byte) bool {
	for _, c := range v {
		if !isUpper(c) && !isDigit(c) && c != '_' {
			return false
		}
	}
	return len(v) >= 3 && (bytes.IndexByte(v, '_') >= 0 || !slices.ContainsFunc(v, isDigit))
}

// isPath matches an absolute path: segments of more than one character, no
// signs but those of file names.
func isPath(v []byte) bool {
	return bytes.Count(v, []byte("/")) >= 2 && only(v, "/._-~") && !isRandom(v) || len(v) > 1 && only(v[1:], "._-") && shapeOf(v).digits == 0
}
