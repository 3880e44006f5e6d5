package classify

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// ordinaryNames are members of APIs that findings have to name.
var ordinaryNames = strings.Fields(`id user_id userId name username first_name lastName email emailAddress email_verified phone phoneNumber
	password password_hash passwordHash passwd pwd secret clientSecret client_secret api_key apiKey access_token refreshToken id_token
	jwt token_type expires_in scope role roles isAdmin is_superuser permissions created_at updatedAt deleted_at address addressLine1
	address_line_2 city country zip_code postalCode card_number cardNumber cvv iban ssn dob birthDate national_id data items results
	total page limit offset cursor nextPageToken debug traceback stack_trace sql query error_message status code http_status url
	avatar_url ip_address mac_address userAgent x-request-id X-Forwarded-For Content-Type Set-Cookie WWW-Authenticate
	Strict-Transport-Security Authorization SQLALCHEMY_DATABASE_URI PERMANENT_SESSION_LIFETIME DJANGO_SETTINGS_MODULE KUBERNETES_SERVICE_HOST
	AWS_SECRET_ACCESS_KEY md5 sha1 sha256 sha512 base64Data utf8 i18n oauth2 ipv4 iso3166 totp_secret mfaSecret is2faEnabled kid
	@timestamp $ref _id __v _internal application/json #text xmlns:xsi geo.lat k8s.pod.name uuid guid employeeNumber kundennummer
	fechaNacimiento mot_de_passe codice_fiscale webhookUrl stripeCustomerId paypalPayerId objectId queueUrl jsonPayload proxyHost
	hashedPwd mysql_password numFollowers maxRetries prevOwner`)

// ordinaryRoutes are paths that have to stay as they are.
var ordinaryRoutes = strings.Fields(`/ /api/users /api/v1/users/me /api/v2/orders /users/search /login /logout /oauth/token /oauth2/authorize
	/.well-known/openid-configuration /.well-known/jwks.json /api/password/reset /auth/refresh /auth/sign-in /forgot-password
	/verify-email /healthz /readyz /metrics /actuator/env /actuator/heapdump /graphql /swagger-ui/index.html /openapi.json /v3/api-docs
	/api/products/categories /cart/checkout /checkout/payment-intents /admin/users/roles /wp-json/wp/v2/users /wp-login.php /xmlrpc.php
	/console /debug/pprof/goroutine /_cluster/health /server-status /api/getUserById /api/get_user_by_id /rest/api/latest/issue
	/api/customers/addresses /profile /favicon.ico /robots.txt /sitemap.xml /static/js/main.js /api/webhooks/stripe /api/jwt /books/v1
	/users/v1/register /createdb /api/kubernetes/namespaces /api/subscriptions /invoices/export.csv /files/report.pdf /ws/notifications
	/api/experimental/features /Account/ForgotPassword /api/Values /umbraco/backoffice`)

func TestOrdinaryNamesStay(t *testing.T) {
	for _, name := range ordinaryNames {
		if !isName([]byte(name)) && name != "#text" {
			t.Errorf("the name %q is taken for a value", name)
		}
	}
	for _, route := range ordinaryRoutes {
		if got := RouteOf([]byte(route)); got != route {
			t.Errorf("the route %q became %q", route, got)
		}
	}
}

// TestRandomIsNoName makes secrets of every alphabet and checks how many of them
// are taken for names: none that holds digits or 20 letters to speak of.
func TestRandomIsNoName(t *testing.T) {
	const (
		small  = "abcdefghijklmnopqrstuvwxyz"
		digits = "0123456789"
	)
	rng := rand.New(rand.NewPCG(7, 7))
	for _, c := range []struct {
		name, letters string
		length        int
		permille      int
	}{
		{"small letters", small, 12, 80},
		{"small letters", small, 16, 15},
		{"small letters", small, 20, 3},
		{"letters", small + strings.ToUpper(small), 16, 40},
		{"letters", small + strings.ToUpper(small), 20, 15},
		{"capitals", strings.ToUpper(small), 20, 3},
		{"base62", small + strings.ToUpper(small) + digits, 16, 12},
		{"base36", small + digits, 16, 5},
		{"hex", "abcdef" + digits, 16, 5},
		{"base32", strings.ToUpper(small) + "234567", 16, 5},
	} {
		passed := 0
		for range 2000 {
			b := make([]byte, c.length)
			for i := range b {
				b[i] = c.letters[rng.IntN(len(c.letters))]
			}
			if isName(b) || isRouteWord(b) {
				passed++
			}
		}
		if passed*1000 > c.permille*2000 {
			t.Errorf("%d %s: %d of 2000 pass for names", c.length, c.name, passed)
		}
	}
}

func TestValuesAreNoNames(t *testing.T) {
	for _, value := range []string{
		"", "4711", "+49 30 901820", "ada@shop.test", "ada%40shop.test", "Tr0ub4dor", "a1b2c3d4", "AbCdEfGhIjKlMnOpQrSt", "JBSWY3DPEHPK3PXP",
		"k3yn0tf0rall", "x7Gh2kLm", "correct horse battery staple", "0123456789abcdef0123456789abcdef", "päss", "a\\u0041b", "qwzxkvjbpfgh",
		"ghp_kJhGfDsAqWeRtYuIoPzXcV", "tok-bxqzrtvmkwplsd", "user:pass@host", "a=b", "$2b$12$abc", "line\nbreak",
	} {
		if isName([]byte(value)) {
			t.Errorf("%q is taken for a name", value)
		}
	}
	for _, path := range []string{
		"/reset/bxqzrtvmkwplsdgh", "/reset/QWzxKVjbPFghTRmn", "/x/a;jsessionid=abc", "/x/%61dmin", "/x/ada@shop.test", "/x/tok-bxqzrtvmkwplsd",
		"/x/correct-horse-battery-staple", "/x/a%2Fb", "/x/päss", "/x/k3y", "/x/a:b", "/x/a,b",
	} {
		if got := RouteOf([]byte(path)); !strings.HasSuffix(got, "/{id}") {
			t.Errorf("%s became %s", path, got)
		}
	}
	for host, want := range map[string]string{
		"bxqzrtvmkwplsdgh.hooks.test":       "*.hooks.test",
		"shop-7d9f8c6b5d-x2x7k.shop.svc":    "shop-7d9f8c6b5d-x2x7k.shop.svc",
		"notifications-internal.shop.test":  "notifications-internal.shop.test",
		"k9x2m4q7w1z8v5b3.tunnel.test":      "*.tunnel.test",
		"k9x2m4q7w1z8v5b3n6.tunnel.test":    "*.tunnel.test",
		"api.eu-central-1.cloudshop.test":   "api.eu-central-1.cloudshop.test",
		"123e4567-e89b-12d3-a456-426614174": "",
	} {
		if got := cleanHost([]byte(host)); got != want {
			t.Errorf("host %q became %q, want %q", host, got, want)
		}
	}
}
