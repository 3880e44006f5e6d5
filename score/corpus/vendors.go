package corpus

import (
	"encoding/base64"
	"strings"
)

// vendorPatterns are formats of keys as the vendors document them; each
// stands for itself in the pattern language of draw.pattern.
var vendorPatterns = []string{
	"AKIA[A-Z2-7]{16}", "ASIA[A-Z2-7]{16}", // docs.aws.amazon.com, IAM identifiers
	"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", "glpat-[A-Za-z0-9_-]{20}", "gldt-[A-Za-z0-9_-]{20}", "glrt-[A-Za-z0-9_-]{20}",
	"xoxb-[0-9]{12}-[0-9]{13}-[A-Za-z0-9]{24}", "xoxp-[0-9]{12}-[0-9]{12}-[0-9]{13}-[a-f0-9]{32}", "xapp-1-A[A-Z0-9]{10}-[0-9]{13}-[a-f0-9]{64}",
	"https://hooks.slack.com/services/T[A-Z0-9]{10}/B[A-Z0-9]{10}/[A-Za-z0-9]{24}",
	"https://discord.com/api/webhooks/[0-9]{18}/[A-Za-z0-9_-]{68}",
	"sk_live_[A-Za-z0-9]{99}", "sk_live_[A-Za-z0-9]{24}", "rk_live_[A-Za-z0-9]{24}", "whsec_[A-Za-z0-9]{32}",
	"AIza[A-Za-z0-9_-]{35}", "GOCSPX-[A-Za-z0-9_-]{28}", "ya29.a0[A-Za-z0-9_-]{160}", "1//0[A-Za-z0-9_-]{98}",
	"SG.[A-Za-z0-9_-]{22}.[A-Za-z0-9_-]{43}", "key-[a-f0-9]{32}", "[a-f0-9]{32}-us1[0-9]", "xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}",
	"dop_v1_[a-f0-9]{64}", "doo_v1_[a-f0-9]{64}", "shpat_[a-f0-9]{32}", "shpss_[a-f0-9]{32}", "shpca_[a-f0-9]{32}",
	"EAAA[A-Za-z0-9_-]{60}", "sq0csp-[A-Za-z0-9_-]{43}", "rubygems_[a-f0-9]{48}", "dckr_pat_[A-Za-z0-9_-]{27}",
	"hvs.CAES[A-Za-z0-9_-]{90}", "hvb.AAAA[A-Za-z0-9_-]{140}", "[A-Za-z0-9]{14}.atlasv1.[A-Za-z0-9]{67}", "HRKU-AA[A-Za-z0-9_-]{58}",
	"dapi[a-f0-9]{32}", "NRAK-[A-Z0-9]{27}", "sntryu_[a-f0-9]{64}", "lin_api_[A-Za-z0-9]{40}", "ntn_[0-9]{11}[A-Za-z0-9]{35}",
	"pat[A-Za-z0-9]{14}.[a-f0-9]{64}", "figd_[A-Za-z0-9_-]{40}", "PMAK-[a-f0-9]{24}-[a-f0-9]{34}",
	"sk-proj-[A-Za-z0-9_-]{74}T3BlbkFJ[A-Za-z0-9_-]{74}", "sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}", "sk-ant-api03-[A-Za-z0-9_-]{93}AA",
	"hf_[A-Za-z]{34}", "r8_[A-Za-z0-9]{37}", "gsk_[A-Za-z0-9]{52}", "pplx-[A-Za-z0-9]{48}", "xai-[A-Za-z0-9]{80}",
	"[0-9]{10}:AA[A-Za-z0-9_-]{33}",
	"dp.pt.[A-Za-z0-9]{43}", "pscale_tkn_[A-Za-z0-9_-]{43}", "pscale_pw_[A-Za-z0-9_-]{43}", "sbp_[a-f0-9]{40}", "pnu_[A-Za-z0-9]{36}", "pul-[a-f0-9]{40}",
	"dt0c01.[A-Z2-7]{24}.[A-Z2-7]{64}", "tskey-auth-k[A-Za-z0-9]{11}CNTRL-[A-Za-z0-9]{32}",
	"bkua_[a-f0-9]{40}", "nfp_[A-Za-z0-9]{36}", "CFPAT-[A-Za-z0-9_-]{43}", "duffel_live_[A-Za-z0-9_-]{43}", "EZAK[a-f0-9]{32}[A-Za-z0-9]{22}",
	"FLWSECK-[a-f0-9]{32}-X", "fio-u-[A-Za-z0-9_-]{64}", "rdme_[a-z0-9]{70}", "shippo_live_[a-f0-9]{40}", "tfp_[A-Za-z0-9]{44}_[A-Za-z0-9]{14}",
	"AKCp[A-Za-z0-9]{69}", "LTAI5t[A-Za-z0-9]{18}", "AKID[A-Za-z0-9]{32}", "aio_[A-Za-z0-9]{28}", "CLOJARS_[a-f0-9]{60}", "oy2[a-z0-9]{43}",
	"[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.-]{34}", "ATATT3xFfGF0[A-Za-z0-9_-]{171}=[A-F0-9]{8}", "ATBB[A-Za-z0-9]{24}[A-F0-9]{8}",
}

// checkedPrefixes are those of tokens that end in a checksum; see crcBase62.
var checkedPrefixes = []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "npm_"}

// vendorToken is a key of a vendor's service.
func vendorToken(g *draw) string {
	switch n := g.IntN(len(vendorPatterns) + 11); {
	case n < len(vendorPatterns):
		return g.pattern(vendorPatterns[n])
	case n < len(vendorPatterns)+7:
		body := g.chars(base62, 30)
		return pick(g, checkedPrefixes) + body + crcBase62(body)
	case n < len(vendorPatterns)+9:
		return pypiToken(g)
	case n < len(vendorPatterns)+10: // Discord: the bot's id, a time, a signature
		return segment(g.pattern("1[0-9]{18}")) + "." + g.pattern("G[A-Za-z0-9_-]{5}.[A-Za-z0-9_-]{38}")
	}
	return mapboxToken(g)
}

// pypiToken is a macaroon whose location is pypi.org
// (https://warehouse.pypa.io/api-reference/integrations/): version 2, the
// location, an identifier, caveats, a signature of 32 bytes.
func pypiToken(g *draw) string {
	m := "\x02\x01\x08pypi.org\x02\x24" + g.uuid() + "\x00\x02\x2c" + `[3,"` + g.uuid() + `"]` + "\x00\x00\x06\x20" + string(g.bytes(32))
	return "pypi-" + strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(m)), "=")
}

// mapboxToken is a secret token: a JSON document with the account
// (https://docs.mapbox.com/help/dive-deeper/access-tokens/).
func mapboxToken(g *draw) string {
	return "sk." + segment(`{"u":"`+g.login()+`","a":"cl`+g.chars(lower+digits, 23)+`"}`) + "." + g.chars(b64url, 22)
}

// azureConnection is a storage account's connection string; the key has 64 bytes.
func azureConnection(g *draw) string {
	return "DefaultEndpointsProtocol=https;AccountName=" + g.chars(lower, 12) + ";AccountKey=" +
		base64.StdEncoding.EncodeToString(g.bytes(64)) + ";EndpointSuffix=core.windows.net"
}
