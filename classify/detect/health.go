package detect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// healthIDs are the numbers by which health services know people, and the codes
// of what they have.
var healthIDs = []idKind{
	// United Kingdom: NHS Data Dictionary, NHS number. US: CMS, MBI format. Australia: Medicare card. New Zealand: HISO 10046, NHI.
	{classes: "health-nhs", forms: "9999999999", check: isNHS, strict: true, words: []string{"nhs number", "nhs no", "nhs: "}},
	{classes: "health-mbi", forms: "9A*9A*9AA99", check: isMBI, strict: true, words: []string{"mbi "}},
	{classes: "health-medicare", forms: "9999999999 99999999999", check: isMedicareCard, strict: true, words: []string{"medicare number", "medicare card number"}},
	{classes: "health-medicare", forms: "9A*9A*9AA99", check: isMBI, strict: true},
	{classes: "health-nhi", forms: "AAA9999", check: isNHI, strict: true, words: []string{"nhi number"}},
	// Ontario: health card (Luhn). Germany: GKV-Spitzenverband, Krankenversichertennummer.
	{classes: "health-ohip", forms: "9999999999 9999999999AA", check: isOHIP, strict: true, words: []string{"ohip ", "health card number"}},
	{classes: "health-kvnr", forms: "A999999999", check: isKVNR, strict: true, words: []string{"krankenversichertennummer"}},
	// ICD-10-CM: a letter, a digit, up to five letters or digits.
	{classes: "health-code", forms: "A9* A9** A9*** A9**** A9*****"},
}

func health() classify.Detector {
	rule := personalRule("pii-health", "Data about a person's health is exposed",
		"Numbers need their check digit; codes, findings and medicines need a telling name, and a diagnosis a code or a word of medicine. "+
			"Conditions of goods, enumerations and empty answers stay silent.",
		classify.High, classify.Trigger{})
	rule.Why = "Data about health is a special category (GDPR article 9, HIPAA 164.514); it cannot be taken back, and serves in blackmail and insurance fraud."
	return inResources(newIDDetector(rule, healthIDs, byName{
		"health-id": isIdentifier, "health-blood": isBloodType, "health-text": isMedicalText, "health-diagnosis": isDiagnosis,
	}, nil))
}

// inResources makes a detector see the names of codes in the clinical resources of FHIR (release
// 4, Coding.display), which are of a patient, as well.
func inResources(d classify.Detector) classify.Detector {
	return also(d, classify.Trigger{Fields: []string{"code-display"}}, func(c *classify.Candidate) bool {
		if c.Field != "code-display" || c.Anchor != "" {
			return false
		}
		if contactSeverity(c) > 0 && c.Kind == classify.String && isClinical(c) {
			c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi})
		}
		return true
	})
}

// aroundResource is how far from the name of a code the type of its resource and whose it is stand.
const aroundResource = 400

// isClinical says whether a value is a part of a resource that says what a patient has: before
// it stands the type, behind it the subject.
func isClinical(c *classify.Candidate) bool {
	before, behind := c.Around(aroundResource)
	at := bytes.LastIndex(before, []byte("resourceType"))
	if at < 0 || !bytes.Contains(behind, []byte("subject")) && !bytes.Contains(behind, []byte("patient")) {
		return false
	}
	kind := bytes.TrimLeft(before[at+len("resourceType"):], `\": `)
	return slices.ContainsFunc(clinicalResources, func(r string) bool { return bytes.HasPrefix(kind, []byte(r)) })
}

// clinicalResources are types of resources that tell of somebody's health (FHIR release 4, the
// clinical module and medications).
var clinicalResources = []string{
	"Condition", "Observation", "AllergyIntolerance", "Procedure", "DiagnosticReport", "MedicationRequest", "MedicationStatement",
	"MedicationAdministration", "Immunization", "FamilyMemberHistory", "ClinicalImpression",
}

func isNHS(id []byte) bool {
	return weigh(id, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

// isMBI: the first digit is not 0, and the letters S, L, O, I, B, Z are not used.
func isMBI(id []byte) bool { return id[0] != '0' && !bytes.ContainsAny(id, "SLOIBZ") }

func isMedicareCard(id []byte) bool {
	return id[0] >= '2' && id[0] <= '6' && weigh(id, 1, 3, 7, 9, 1, 3, 7, 9)%10 == valueOf(id[8])
}

// isNHI reads letters by their place in an alphabet without I and O.
func isNHI(id []byte) bool {
	sum := 0
	for i, c := range id[:6] {
		n := valueOf(c)
		if i < 3 {
			if n = strings.IndexByte("ABCDEFGHJKLMNPQRSTUVWXYZ", c) + 1; n == 0 {
				return false
			}
		}
		sum += n * (7 - i)
	}
	return sum%11 != 0 && (11-sum%11)%10 == last(id)
}

func isOHIP(id []byte) bool { return id[0] != '0' && isLuhn(id[:10]) }

// isKVNR reads the letter as two digits; weights 1 and 2, digits of products
// added.
func isKVNR(id []byte) bool {
	letter := valueOf(id[0]) - 9
	d := append([]byte{byte('0' + letter/10), byte('0' + letter%10)}, id[1:9]...)
	sum := 0
	for i, c := range d {
		n := valueOf(c) * (1 + i%2)
		sum += n/10 + n%10
	}
	return sum%10 == last(id)
}

// isBloodType matches A, B, AB and O (or 0) with a rhesus factor.
func isBloodType(v []byte) bool {
	group := bytes.TrimRight(v, "+- ")
	if len(group) < len(v) {
		return isGroup(group)
	}
	for _, factor := range []string{"positive", "negative", "pos", "neg"} {
		if len(v) > len(factor) && bytes.EqualFold(v[len(v)-len(factor):], []byte(factor)) {
			return isGroup(bytes.TrimRight(v[:len(v)-len(factor)], " _-"))
		}
	}
	return false
}

func isGroup(v []byte) bool {
	return slices.Contains([]string{"A", "B", "AB", "O", "0"}, string(bytes.ToUpper(v)))
}

// maxFinding bounds a finding of medicine, in bytes; longer texts are documents.
const maxFinding = 512

// isMedicalText is any text that says something.
func isMedicalText(v []byte) bool {
	if len(v) < 4 || len(v) > maxFinding || isMasked(v) || isReference(v) || shapeOf(v).letters() < 3 {
		return false
	}
	switch word, n := lowerWord(bytes.TrimSpace(v)); string(word[:n]) {
	case "none", "none known", "no known allergies", "nkda", "not applicable", "pending", "other", "completed", "normal", "not available":
		return false
	}
	return !isUUID(v) && !bytes.Contains(v, []byte("://"))
}

// isDiagnosis asks for a word of medicine or a code: machines are diagnosed, too.
func isDiagnosis(v []byte) bool {
	if len(v) > maxFinding {
		return false
	}
	if isICD(v) {
		return true
	}
	for word := range bytes.FieldsFuncSeq(v, isWordEnd) {
		var buf [24]byte
		text := string(lowered(buf[:], word))
		i, exact := slices.BinarySearch(medicalWords, text)
		if exact || i > 0 && strings.HasPrefix(text, medicalWords[i-1]) {
			return true
		}
	}
	return false
}

// isICD matches a code of ICD-10 with its dot, or of three characters.
func isICD(v []byte) bool {
	return len(v) >= 3 && len(v) <= 8 && isUpper(v[0]) && isDigit(v[1]) && (isDigit(v[2]) || isUpper(v[2])) && (len(v) == 3 || v[3] == '.' && only(v[4:], ""))
}

// medicalWords are what words of the chapters and the most frequent categories
// of ICD-10 start with; sorted, and none the start of another.
var medicalWords = []string{
	"abscess", "addiction", "adhd", "allerg", "alzheimer", "amput", "anaemia", "anemia", "angina", "anorex", "anxiety", "aphasia", "appendic",
	"arrhythm", "arthr", "asthma", "atrial", "autis", "bipolar", "blindness", "bronch", "bulimi", "cancer", "carcinoma", "cardiac", "cardio",
	"celiac", "cirrhosis", "coeliac", "colitis", "concussion", "copd", "covid", "crohn", "deaf", "dementia", "depressi", "dermat", "diabet",
	"dyslex", "eczema", "embolism", "emphysema", "epilep", "fibrillation", "fibromyalgia", "fibrosis", "fractur", "gastr", "glaucoma", "gout",
	"haemorrh", "hearing", "hemorrh", "hepat", "hernia", "herpes", "hiv", "hypercholest", "hyperlipid", "hypertens", "hypotens", "hypothyroid",
	"infarct", "influenza", "insomnia", "ischemi", "kidney", "leukaemia", "leukemia", "lupus", "lymphoma", "melanoma", "mening", "migraine",
	"myocardial", "neoplasm", "nephr", "neuralgia", "neuropathy", "obesity", "osteo", "otitis", "palsy", "pancrea", "paraly", "paraplegi",
	"parkinson", "pneumon", "pregnan", "psoriasis", "psycho", "ptsd", "renal", "rhinitis", "schizo", "sciatica", "sclerosis", "scoliosis",
	"seizure", "sepsis", "sinusitis", "stroke", "suicid", "syphilis", "thromb", "thyroid", "tinnitus", "tonsill", "tubercul", "tumor", "tumour",
	"ulcer", "vertigo",
}
