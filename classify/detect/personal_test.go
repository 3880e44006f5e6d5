package detect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leaktap/leaktap/classify"
)

// personalRules are the rules of this family.
var personalRules = []string{
	"pii-", "card-number", "card-verification", "iban", "bank-account",
}

func isOfFamily(id string) bool {
	for _, r := range personalRules {
		if strings.HasPrefix(id, r) {
			return true
		}
	}
	return false
}

// anonymous is a response to a caller whom nobody knows.
func anonymous(body string) *classify.Exchange {
	return &classify.Exchange{
		Method: []byte("GET"), Target: []byte("/a"), Status: 200, Source: classify.Source{Kind: classify.SourceFile, Name: "f"},
		Response: classify.Message{Body: []byte(body)},
	}
}

// ordinary holds what looks like personal data and is none.
var ordinary = []string{
	// Numbers that pass a card's check digit and range, and are none.
	`{"order_id":"4263982640269299"}`, `{"order":4263982640269299}`, `{"tracking":"5425233430109903"}`, `{"block":6011000990139424}`,
	`order 4263982640269299 paid by card`, `card id 4263982640269299 loaded`, `txn=4263982640269299 ok`, `imei 490154203237518 attached`,
	`{"imei":"378282246310005"}`, `{"value":"4263982640269299"}`, `[4263982640269299,5425233430109903]`, `trace 4263982640269299 span 5425233430109903`,
	`{"amount":4263982640269299.25}`, `{"ratio":0.4263982640269299}`, `{"delta":-4263982640269299}`, `card_a4263982640269299`, `{"cardinality":4263982640269299}`,
	`{"card_number":"4263982640269298"}`, `{"card_number":"4111-XXXX-XXXX-1111"}`, `{"card_number":"0000000000000000"}`, `{"card":"gold"}`,
	`card_exp_month=4263982640269299`, `{"card_last4":"4263982640269299"}`, `user card 979-6348901751732 x`, `debit rating=4396905798268 credit`, `phone 10.36.226.47 up`,
	`node sent phone payment_id=596-173-515-544-0`, `{"condition":"X438426"}`, `card for user 12 batch 4263982640269299`,
	`{"card_number":"42639826402692990001"}`, `card 42639826402692990001 x`,
	`{"discard_offset":4263982640269299}`, `payment batch 4263982640269299 closed`, `{"card":{"id":"4263982640269299"}}`,
	// Clocks, ids, hashes, versions, addresses of networks.
	`ts=1780272000123456789 done`, `{"ts_ns":1780272000123456789,"ms":1780272000123}`, `2026-06-01 12:00:00.123456 INFO 10.0.12.17 up`,
	`{"etag":"\"4263982640269299a\""}`, `{"sha":"3f2b8c1a9d4e4f6a8b2c1d3e5f7a9b0c12345678"}`, `{"uuid":"53690439-9123-4567-8901-123456789012"}`,
	`{"isbn":"9780306406157","ean":"4006381333931","upc":"036000291452"}`, `isbn 978-0-306-40615-7 in stock`, `{"tracking":"1Z12345E1512345676"}`,
	`{"version":"1.2.3-456.789","build":"2026.05.31.1234567"}`, `ip 203.0.113.195 to 198.51.100.200`, `{"lat":52.520008,"lon":13.404954}`,
	`{"price":"1234567.89","total":-1780272000}`, `{"id":"123-45-6789"}`, `{"part":"536-22-8726"}`, `part 536-22-8726 shipped`,
	// Names of identity numbers without one.
	`{"ssn":"123-45-6789"}`, `{"ssn":"000-12-3456"}`, `{"ssn":"666-12-3456"}`, `{"ssn":"***-**-8726"}`, `{"ssn":"078-05-1120"}`, `{"ssn":"536-22"}`,
	`{"sin":0.8414709848,"cos":0.5403023058}`, `{"sin":"046454287"}`, `{"nit":"1234567890"}`, `{"rut":"no"}`, `{"inn":"Holiday"}`, `{"ein":1}`,
	`{"nip":"10.0.0.1"}`, `{"cnp":"pending"}`, `{"tax_id_required":true,"passport":"optional"}`, `{"passport":"local strategy"}`, `{"iin":12}`,
	`ssn verification failed for request 536904399 of queue`, `className 536904399`, `social security office opens at 08:00, tel n/a`,
	`the cpf field has 11 digits, got 39053344706`, `{"national_id":null,"dni":"","nie":false}`, `{"nir":"sensor","utr":77}`,
	`CPF 111.111.111-11 rejected`, `{"driver_license":"required"}`, `{"id_number":"1"}`, `{"tin":"1234567890"}`,
	`{"vehicle_identification_number":"1HGCM82633A004352","nid":"482139"}`, `{"run":"48213905","national_id":48213}`,
	// Accounts.
	`{"iban":"DE89370400440532013001"}`, `{"iban":"DE89 **** **** 3000"}`, `ref DE12345678901234567890 booked`, `{"account_id":"48120937465"}`,
	`{"account_number":"****4436"}`, `{"routing_number":"021000022"}`, `GB82WEST12345698765433`, `{"sku":"AB12345678901234"}`,
	// Mail.
	`<img src="/img/logo@2x.png" srcset="/img/icon@3x.webp 3x">`, `@media print{a{color:red}} @import url(x.css)`, `react@18.2.0 @babel/core@7.24.1`,
	`git clone git@github.com:acme/site.git`, `ssh://deploy@build.acme.test/srv`, `rsync -a x deploy@build.acme.test:/srv/app`, `a@b root@localhost`,
	`{"message_id":"<20260601.4f2a@mail.acme.test>"}`, `Signed-off-by: Ada Ashe <ada@acme.test>`, `contact support@acme.test or sales@acme.test`,
	`{"from":"no-reply@acme.test","to":"***@acme.test"}`, `@Override public void run() {} @interface Foo`, `Bean@7f31245a`,
	`pkg@1.2.3.tgz`, `nginx@1.service`, `https://social.test/@ada@social.test`, `{"email":"your-email@acme.test"}`, `{"email_verified":true}`,
	// Phones.
	`{"mobile":48213,"desktop":91234,"phone":0}`, `{"phone":"***-0142","fax":""}`, `{"mobile":true}`, `{"phone":"1111111111"}`, `offset +1780272000123 ms`,
	`{"tel":"12"}`, `diff +0200 and +02:00`, `+1234567890 points`, `{"phone":"52.5200081"}`, `a+491701234567b`, `{"phone":"call us"}`,
	`the phone model 13 has 128 GB`, `{"phones":["iPhone 15","Pixel 8"]}`, `{"contact_number":"n/a"}`, `{"cell":"B12"}`, `{"cell":"12.5"}`,
	// Birth dates and addresses.
	`{"created":"1984-07-02","dob":"****-07-02"}`, `{"birthday":"July","dob":"19841399"}`, `{"dob":"2984-07-02"}`, `{"born":"Berlin"}`, `{"dob":"0000-00-00"}`,
	`{"address":"0x52908400098527886E0F7030069857D2E4169EE7"}`, `{"address":"10.0.0.1:8080"}`, `{"address":"00:1b:44:11:3a:b7"}`, `{"address":"ada"}`,
	`{"addr":"127.0.0.1:6379 laddr=127.0.0.1:51312"}`, `{"street":"","address":"see profile"}`, `{"address":"https://acme.test/a 1"}`,
	`{"line1":"if x == 1:"}`, `{"address":"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"}`, `{"address":{"id":1}}`, `{"address":"fe80::1 dev eth0"}`,
	// Health.
	`{"condition":"new","diagnosis":"disk full"}`, `{"allergies":"none","blood_type":"unknown"}`, `{"conditions":[{"type":"Ready"}]}`, `{"mrn":""}`,
	`{"prescription":"none","icd10":"n/a"}`, `{"nhs_number":"943 476 5871"}`, `{"health":"ok","disease":null}`, `{"condition":"x > 10 and y < 5"}`,
	`{"blood_type":"C"}`, `{"cvv":"required","cvc":12345}`, `{"cvv":"***"}`,
}

// TestOrdinaryIsNoPersonalData keeps silent on each of them: as a body, in a log,
// and where a JSON document ends in the middle.
func TestOrdinaryIsNoPersonalData(t *testing.T) {
	e := newEngine(t)
	for _, text := range ordinary {
		for _, x := range []*classify.Exchange{anonymous(text), logged(text), logged("12:00:01 INFO " + text + " after"), anonymous(`{"a":1,"b":[` + text)} {
			for _, f := range findings(e, x) {
				if isOfFamily(f.Rule.ID) {
					t.Errorf("%s at %s %q in %s%s", f.Rule.ID, f.Where, f.Pointer, x.Record, x.Response.Body)
				}
			}
		}
	}
}

// TestOrdinaryHeadersHoldNoPersonalData keeps silent on what servers, caches and
// browsers write.
func TestOrdinaryHeadersHoldNoPersonalData(t *testing.T) {
	x := anonymous("ok")
	for _, line := range []string{
		"Via: 1.1 varnish, 2 fastly", "Via: 1.1 7f2c4b.cdn.test (CloudFront)", "Age: 4263982640269299", `ETag: "5425233430109903"`, "Last-Modified: Tue, 02 Jul 1985 10:00:00 GMT",
		"X-Request-Id: 4263982640269299", "CF-Ray: 8f2c4b1a9d4e4f6a-FRA", "Content-Range: bytes 1000000-4263982640269299/5425233430109903",
		"Server-Timing: db;dur=53.2, cache;desc=\"card 1\"", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"Set-Cookie: _ga=GA1.2.1234567890.1780272000; Secure; HttpOnly; SameSite=Lax", "Address: 10.0.0.1 up 12 days", "Phone-Home: no", "X-Card: 12",
		`Report-To: {"group":"default","max_age":10886400,"endpoints":[{"url":"https://a.test/r/1780272000123456"}]}`,
		"Content-Security-Policy: default-src 'self' https://1234567890.cdn.test", "X-Served-By: cache-fra-eddf8230123-FRA", "X-Timer: S1780272000.123456,VS0,VE12",
	} {
		name, value, _ := strings.Cut(line, ": ")
		x.Response.Headers = append(x.Response.Headers, classify.Header{Name: []byte(name), Value: []byte(value)})
	}
	for _, f := range findings(newEngine(t), x) {
		if isOfFamily(f.Rule.ID) {
			t.Errorf("%s at %s", f.Rule.ID, f.Pointer)
		}
	}
}

// personal are findings: the rule, and a text that holds exactly one.
var personal = []struct{ rule, text string }{
	{"card-number", `{"card":{"number":"4263982640269299"}}`},
	{"card-number", `{"card":{"number":4263982640269299}}`},
	{"card-number", `{"payment":{"card":{"number":"4263-9826-4026-9299"}}}`},
	{"card-number", `{"cards":["4263982640269299"]}`},
	{"card-number", `{"creditCardNo":"3742 454554 00126"}`},
	{"card-number", `{"pan":"6759649826438453"}`},
	{"card-number", `{"card_number":"4111 1111 1111 1111"}`},
	{"card-number", `declined visa 4263982640269299 at 12:00`},
	{"card-number", `at 12 4263 9826 4026 9299 was declined`},
	{"card-number", `card 4263 9826 4026 9299 911 charged`},
	{"card-number", `card 4263 9826 4026 9299 12/29`},
	{"card-number", `order 17: card 4263982640269299 declined`},
	{"card-number", `msg="charge failed" card=4263982640269299 code=51`},
	{"card-number", `{"msg":"credit card 3742-454554-00126 expired"}`},
	{"iban", `{"account":"GB82 WEST 1234 5698 7654 32"}`},
	{"iban", `{"iban":"nl91abna0417164300"}`},
	{"iban", `to MT84MALT011000012345MTLCAST001S sent`},
	{"iban", `iban=NO9386011117947 ok`},
	{"iban", `{"iban":"FR14-2004-1010-0505-0001-3M02-606"}`},
	{"pii-national-id", `SSN: 536-90-4399`},
	{"pii-national-id", `applicant's social security number is 536-90-4399, checked`},
	{"pii-national-id", `{"note":"SSN 536 90 4399 on file"}`},
	{"pii-national-id", `536-90-4399 (SSN) on file`},
	{"pii-national-id", `{"ssn":536904399}`},
	{"pii-national-id", `{"taxId":"536-90-4399"}`},
	{"pii-national-id", `{"nationalId":"YB-48213905"}`},
	{"pii-national-id", `{"drivers_license":"D4821-3905-77"}`},
	{"pii-national-id", `{"pan":"ACUPA7085R"}`},
	{"pii-national-id", `{"mrz":"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"}`},
	{"pii-national-id", "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"},
	{"pii-email", `{"a":"ada\u0040acme.test"}`},
	{"pii-email", `<p>ada&#64;acme.test</p>`},
	{"pii-email", `GET /?to=ada%40acme.test`},
	{"pii-email", `{"url":"https://acme.test/?to=ada%40acme.test"}`},
	{"pii-email", `{"a":"Ada Ashe <ada.ashe+x@mail.acme.co.uk>"}`},
	{"pii-email", `{"user_email":"info@acme.test"}`},
	{"pii-email", `josé@bücher.example wrote`},
	{"pii-email", `{"a":"ada@163.com"}`},
	{"pii-email", `to=<ada@acme.test>, relay=mx`},
	{"pii-phone", `{"phone":"+1 (555) 010-4477"}`},
	{"pii-phone", `{"contact":{"phoneNumber1":"030 1234 5678"}}`},
	{"pii-phone", `{"mobile_no":"07700 900461"}`},
	{"pii-phone", `{"tel_home":5550104477}`},
	{"pii-phone", `phone: +1 (555) 010-4477`},
	{"pii-phone", `sms to +4917012345679 sent`},
	{"pii-phone", `call me at +44 20 7946 0958, thanks`},
	{"pii-phone", `her phone (555) 010-4477 rings`},
	{"pii-phone", `{"phones":["+49 30 901820"]}`},
	{"pii-phone", `{"phone":"555-010-4477 ext. 12"}`},
	{"pii-birth-date", `{"dob":"2 July 1984"}`},
	{"pii-birth-date", `{"dob":"July 2nd, 1984"}`},
	{"pii-birth-date", `{"fecha_nacimiento":"2 de julio de 1984"}`},
	{"pii-birth-date", `{"dob":"07/02/1984"}`},
	{"pii-birth-date", `{"dob":19840702}`},
	{"pii-birth-date", `{"dateOfBirth":"1984-07-02T00:00:00.000Z"}`},
	{"pii-birth-date", `she was born on 2 July 1984 in Ulm`},
	{"pii-birth-date", `dob=1984-07-02 ok`},
	{"pii-birth-date", `Date of birth: 02.07.1984`},
	{"pii-phone", `Phone number: 555-010-4477.`},
	{"pii-address", `{"address":"12 Long Lane, Springfield"}`},
	{"pii-address", `{"address":{"line1":"Hauptstraße 5"}}`},
	{"pii-address", `{"street":"Rue de Rivoli"}`},
	{"pii-address", `{"street":"辛集路I座"}`},
	{"pii-address", `{"address":"742 南投正義巷3號"}`},
	{"pii-phone", `{"contact":{"mobilePhone":{"type":"home","number":"030 1234 5678"}}}`},
	{"pii-national-id", `<td>SSN</td><td>536-90-4399</td>`},
	{"pii-national-id", `<ssn>536-90-4399</ssn>`},
	{"pii-phone", `{"phone":"(+358) 518086026"}`},
	{"pii-national-id", `{"nino":"ZZ 45 80 73 A"}`},
	{"card-number", `{"card_number":"9475277204056080"}`},
	{"pii-address", `{"calle":"Calle Mayor 14, 2º B"}`},
	{"pii-address", `{"home_address":"Flat 3, 10 Downing St, London SW1A 2AA"}`},
	{"pii-address", `home address: 12 Long Lane, Springfield`},
	{"pii-health", `{"blood_group":"O negative"}`},
	{"pii-health", `{"condition":"Asthma"}`},
	{"pii-health", `{"icd10":"J45"}`},
	{"pii-health", `{"patient":{"current_medications":["metformin 500 mg"]}}`},
	{"pii-health", `{"medical_record_number":4821390}`},
	{"bank-account", `{"bank_account":{"account_number":"000123456789"}}`},
	{"bank-account", `{"routing_number":"111000025"}`},
	{"card-verification", `{"cvc":"417"}`},
}

// TestPersonalDataIsFound finds each, as a response, as a record, and inside a
// longer document.
func TestPersonalDataIsFound(t *testing.T) {
	e := newEngine(t)
	for _, p := range personal {
		texts := []string{p.text}
		if strings.HasPrefix(p.text, "{") {
			texts = append(texts, fmt.Sprintf(`{"id":17,"list":[{"ts":1780272000123},%s],"ok":true}`, p.text))
		} else {
			texts = append(texts, "2026-06-01T12:00:01Z INFO worker-3 "+p.text, p.text+"\nnext line")
		}
		for _, text := range texts {
			for _, x := range []*classify.Exchange{anonymous(text), logged(text)} {
				n := 0
				for _, f := range findings(e, x) {
					if f.Rule.ID == p.rule {
						n++
					} else if isOfFamily(f.Rule.ID) {
						t.Errorf("%s instead of %s in %s", f.Rule.ID, p.rule, text)
					}
				}
				if n != 1 {
					t.Errorf("%d findings of %s in %s", n, p.rule, text)
				}
			}
		}
	}
}

// TestTestCards are reported with less of everything.
func TestTestCards(t *testing.T) {
	e := newEngine(t)
	for _, number := range testCards {
		list := findings(e, logged(`{"card_number":"`+number+`"}`))
		if len(list) != 1 || list[0].Severity != classify.Medium || list[0].Confidence != classify.LowConfidence {
			t.Errorf("%s: %d findings", number, len(list))
		}
	}
}

// TestIBANStructures says which countries' structures cannot be read.
func TestIBANStructures(t *testing.T) {
	for country, structure := range accounts {
		var body strings.Builder
		for part := range strings.FieldsSeq(strings.NewReplacer("n", " n", "a", " a", "c", " c").Replace(structure)) {
			var count int
			if _, err := fmt.Sscan(part[1:], &count); err != nil {
				t.Fatal(err)
			}
			body.WriteString(strings.Repeat(map[byte]string{'n': "7304", 'a': "QRST", 'c': "5K2M"}[part[0]], 8)[:count])
		}
		found := 0
		for check := 2; check <= 98; check++ {
			id := fmt.Sprintf("%s%02d%s", country, check, body.String())
			if ibanAt([]byte(id+" "), 0, false) == len(id) {
				found++
			}
			if ibanAt([]byte(id+"1"), 0, false) != 0 || ibanAt([]byte(id[:len(id)-1]), 0, false) != 0 {
				t.Errorf("%s is read at another length", id)
			}
		}
		if found != 1 {
			t.Errorf("%s%s: %d check digits pass", country, structure, found)
		}
	}
}
