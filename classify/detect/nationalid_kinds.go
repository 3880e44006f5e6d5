package detect

import "github.com/leaktap/leaktap/classify"

// idKind is one number that states, registers or banks give to people.
type idKind struct {
	// classes are those of the field vocabulary whose names call it so.
	classes string
	// forms are its shapes: 9 is a digit, A a letter, * either. Between two
	// characters a space, hyphen, dot or slash may stand.
	forms string
	// check says whether a number of one of the forms is one that can have been
	// given out; nil where nothing more is known of it.
	check func(id []byte) bool
	// strict means that a wrong check stays silent under a telling name: the
	// name or the form means other things, too.
	strict bool
	// words tell of it in running text; lower-case.
	words []string
	// severity replaces the rule's where it is not zero.
	severity classify.Severity
}

// nationalIDs are the identity, insurance and tax numbers of people.
var nationalIDs = []idKind{
	// US: SSA "Social Security Number Randomization"; IRS Publication 1915; IRS "Employer ID Numbers".
	{classes: "id-us-ssn", forms: "999999999", check: isSSN, strict: true, words: []string{"ssn ", "ssn#", "ssn)", "ssn<", "ssn>", "ssn\"", "social security"}},
	{classes: "id-us-itin", forms: "999999999", check: isITIN, strict: true, words: []string{"itin number"}},
	{classes: "id-us-ein", forms: "999999999", check: isEIN, strict: true, severity: classify.Low},
	// Canada: ESDC, Social Insurance Number, validation by Luhn.
	{classes: "id-ca-sin", forms: "999999999", check: isLuhn, strict: true, words: []string{"social insurance", "sin number"}},
	// United Kingdom: HMRC NIM39110; HMRC UTR check (SA modulus 11).
	{classes: "id-gb-nino", forms: "AA999999A AA999999", check: isNINO, words: []string{"national insurance", "nino "}},
	{classes: "id-gb-utr", forms: "9999999999", check: isUTR, strict: true, words: []string{"taxpayer reference"}},
	// Ireland: Revenue, PPS number, check character.
	{classes: "id-ie-pps", forms: "9999999A 9999999AA", check: isPPS, strict: true, words: []string{"ppsn ", "pps number", "pps no"}},
	// France: INSEE, NIR; DGFiP, numéro SPI.
	{classes: "id-fr-nir", forms: "999999999999999 999999A99999999", check: isNIR, words: []string{"numéro de sécu", "numero de secu"}},
	{classes: "id-fr-spi", forms: "9999999999999", check: isSPI, strict: true, words: []string{"numéro fiscal", "numero fiscal"}},
	// Germany: BZSt, Steuer-IdNr.; VKVV section 2, Versicherungsnummer.
	{classes: "id-de-tax", forms: "99999999999", check: isSteuerID, strict: true, words: []string{"steuer-id"}},
	{classes: "id-de-insurance id-at-svnr", forms: "99999999A999", check: isRVNR, words: []string{"versicherungsnummer"}},
	// Austria: Hauptverband, Sozialversicherungsnummer. Switzerland: BSV, AHVN13 (EAN-13).
	{classes: "id-at-svnr", forms: "9999999999", check: isAustrianSVNR, strict: true, words: []string{"svnr ", "sozialversicherung"}},
	{classes: "id-ch-ahv id-at-svnr", forms: "9999999999999", check: isAHV, words: []string{"ahv ", "ahv-n", "numéro avs", "numero avs"}},
	// Italy: DM 23 December 1976. Spain: Orden INT/2058/2008. Portugal: DL 14/2013.
	{classes: "id-it-cf", forms: "AAAAAA**A**A***A", check: isCodiceFiscale, words: []string{"codice fiscale"}},
	{classes: "id-dni id-nif", forms: "99999999A", check: isDNI, words: []string{"dni "}},
	{classes: "id-es-nie id-nif id-dni", forms: "A9999999A", check: isNIE, strict: true, words: []string{"nie "}},
	{classes: "id-nif", forms: "999999999", check: isPortugueseNIF, strict: true, words: []string{"contribuinte"}},
	// Netherlands: RvIG, Logisch Ontwerp BSN. Belgium: Rijksregister, IT 000. Luxembourg: CTIE, matricule.
	{classes: "id-nl-bsn", forms: "999999999 99999999", check: isBSN, strict: true, words: []string{"bsn ", "burgerservice"}},
	{classes: "id-be-rr", forms: "99999999999", check: isRijksregister, words: []string{"rijksregister", "registre national"}},
	{classes: "id-lu", forms: "9999999999999", check: isLuxembourg, strict: true},
	// Poland: gov.pl, PESEL; Ministry of Finance, NIP. Czechia and Slovakia: Act 133/2000, rodné číslo.
	{classes: "id-pl-pesel", forms: "99999999999", check: isPESEL, words: []string{"pesel "}},
	{classes: "id-pl-nip", forms: "9999999999", check: isNIP, strict: true},
	{classes: "id-cz-rc", forms: "9999999999 999999999", check: isRodneCislo, strict: true, words: []string{"rodné čís", "rodne cis"}},
	// Hungary: Act XX of 1996. Romania: CNP, OUG 97/2005. Bulgaria: GRAO, EGN.
	{classes: "id-hu-szemelyi", forms: "99999999999", check: isSzemelyiSzam, strict: true},
	{classes: "id-hu-taj", forms: "999999999", check: isTAJ, strict: true, words: []string{"taj sz", "taj-sz"}},
	{classes: "id-hu-tax", forms: "9999999999", check: isAdoazonosito, strict: true},
	{classes: "id-ro-cnp", forms: "9999999999999", check: isCNP, strict: true, words: []string{"cnp ", "cod numeric personal"}},
	{classes: "id-bg-egn", forms: "9999999999", check: isEGN, strict: true, words: []string{"egn ", "егн "}},
	// Croatia: Porezna uprava, OIB. Slovenia, Serbia, Bosnia, North Macedonia, Montenegro: EMŠO/JMBG, Law on the unique number.
	{classes: "id-hr-oib", forms: "99999999999", check: isMod1110, strict: true, words: []string{"oib "}},
	{classes: "id-si-emso", forms: "9999999999999", check: isJMBG, words: []string{"jmbg ", "emšo ", "emso "}},
	// Estonia: EVS 585. Lithuania: Act I-2237. Latvia: PMLP. Finland: DVV. Sweden: Skatteverket SKV 704.
	{classes: "id-isikukood", forms: "99999999999", check: isIsikukood, words: []string{"isikukood", "asmens kod"}},
	{classes: "id-lv id-isikukood", forms: "99999999999", check: isPersonasKods, strict: true, words: []string{"personas kods"}},
	{classes: "id-fi-hetu", forms: "999999999* 999999A999*", check: isHETU, words: []string{"hetu ", "henkilötunnus"}},
	{classes: "id-se", forms: "9999999999 999999999999", check: isPersonnummer, strict: true, words: []string{"personnummer"}},
	// Norway: Skatteetaten. Denmark: CPR-kontoret. Iceland: Þjóðskrá.
	{classes: "id-no id-se", forms: "99999999999", check: isFodselsnummer, words: []string{"fødselsnummer", "fodselsnummer"}},
	{classes: "id-dk-cpr", forms: "9999999999", check: isCPR, strict: true, words: []string{"cpr-n", "cpr n"}},
	{classes: "id-is", forms: "9999999999", check: isKennitala},
	// Greece: AMKA (IDIKA), AFM (AADE). Turkey: NVI. Ukraine: DPS. Russia: FNS, SFR. Kazakhstan: IIN.
	{classes: "id-gr-amka", forms: "99999999999", check: isAMKA, words: []string{"amka ", "αμκα "}},
	{classes: "id-gr-afm", forms: "999999999", check: isAFM, strict: true, words: []string{"αφμ "}},
	{classes: "id-tr", forms: "99999999999", check: isTCKN, words: []string{"tc kimlik", "t.c. kimlik", "tckn "}},
	{classes: "id-ua", forms: "9999999999", check: isRNOKPP, strict: true},
	{classes: "id-ru-inn", forms: "999999999999", check: isINN, strict: true, words: []string{"инн "}},
	{classes: "id-ru-snils", forms: "99999999999", check: isSNILS, words: []string{"snils ", "снилс "}},
	{classes: "id-kz-iin", forms: "999999999999", check: isIIN, strict: true, words: []string{"иин "}},
	// India: UIDAI (Verhoeff); Income Tax Department, PAN.
	{classes: "id-in-aadhaar", forms: "999999999999", check: isAadhaar, words: []string{"aadhaar", "aadhar "}},
	{classes: "id-in-pan card-number", forms: "AAAAA9999A", check: isIndianPAN, words: []string{"permanent account"}},
	// Brazil: Receita Federal, CPF and CNPJ; Caixa, PIS/NIS.
	{classes: "id-br-cpf", forms: "99999999999", check: isCPF, words: []string{"cpf "}},
	{classes: "id-br-cnpj", forms: "99999999999999", check: isCNPJ, words: []string{"cnpj "}},
	{classes: "id-br-pis", forms: "99999999999", check: isPIS, strict: true},
	// Mexico: RENAPO, CURP; SAT, RFC. Argentina: ANSES, CUIL. Chile: SRVI, RUT. Colombia: DIAN, NIT.
	{classes: "id-mx-curp", forms: "AAAA999999AAAAAA*9", check: isCURP, words: []string{"curp "}},
	{classes: "id-mx-rfc", forms: "AAAA999999***", check: isRFC, strict: true},
	{classes: "id-ar-cuit", forms: "99999999999", check: isCUIT},
	{classes: "id-cl-rut", forms: "99999999* 9999999*", check: isRUT, strict: true},
	{classes: "id-co-nit", forms: "9999999999", check: isNIT, strict: true},
	// DNI of Argentina and Peru: no check digit. Ecuador: Registro Civil. Uruguay: DNIC.
	{classes: "id-dni", forms: "99999999"},
	{classes: "id-cedula", forms: "9999999999", check: isEcuadorian, words: []string{"cédula", "cedula "}},
	{classes: "id-cedula", forms: "99999999", check: isUruguayan, words: []string{"cédula", "cedula "}},
	// China: GB 11643-1999. Hong Kong: Immigration Department. Taiwan: MOI. Korea: MOIS. Japan: MIC ordinance 85/2014.
	{classes: "id-cn", forms: "99999999999999999*", check: isResidentID, words: []string{"身份证"}},
	{classes: "id-hk", forms: "A999999* AA999999*", check: isHKID, strict: true, words: []string{"hkid "}},
	{classes: "id-tw", forms: "A999999999", check: isTaiwanID, strict: true, words: []string{"身分證", "身份證"}},
	{classes: "id-kr-rrn", forms: "9999999999999", check: isRRN, words: []string{"주민등록", "resident registration"}},
	{classes: "id-jp", forms: "999999999999", check: isMyNumber, strict: true, words: []string{"マイナンバー", "個人番号"}},
	// Singapore: ICA. Thailand: BORA. Malaysia: JPN. Indonesia: Dukcapil.
	{classes: "id-sg-nric", forms: "A9999999A", check: isNRIC, words: []string{"nric "}},
	{classes: "id-th", forms: "9999999999999", check: isThaiID, words: []string{"เลขประจำตัวประชาชน"}},
	{classes: "id-my", forms: "999999999999", check: isMyKad, words: []string{"mykad "}},
	{classes: "id-id-nik", forms: "9999999999999999", check: isNIK, strict: true},
	// Australia: ATO, TFN. New Zealand: IRD. Israel: Population Authority.
	{classes: "id-au-tfn", forms: "999999999", check: isTFN, strict: true, words: []string{"tax file number", "tfn "}},
	{classes: "id-nz-ird", forms: "999999999 99999999", check: isIRD, strict: true, words: []string{"ird number"}},
	{classes: "id-il", forms: "999999999", check: isLuhn, strict: true, words: []string{"teudat zehut", "תעודת זהות"}},
	// South Africa: DHA. Saudi Arabia: Absher. Emirates: ICP. Egypt: MOI.
	{classes: "id-za", forms: "9999999999999", check: isSouthAfricanID, words: []string{"said number", "sa id number"}},
	{classes: "id-sa", forms: "9999999999", check: isSaudiID, strict: true, words: []string{"iqama"}},
	{classes: "id-ae", forms: "999999999999999", check: isEmiratesID, words: []string{"emirates id"}},
	{classes: "id-eg", forms: "99999999999999", check: isEgyptianID, strict: true},
	// Passports: ICAO Doc 9303 leaves numbers of up to nine characters to the state. Great Britain's driver number: DVLA INF45.
	{classes: "passport", forms: "********* ********", check: isPassport, strict: true, words: []string{"passport n", "passport #", "passeport n", "reisepass"}},
	{classes: "driver-license", forms: "A****999999*****"},
}

// isPassport asks for as many digits as any state's numbers have, and not for
// letters alone.
func isPassport(id []byte) bool {
	digits := 0
	for _, c := range id {
		if isDigit(c) {
			digits++
		}
	}
	return digits >= 5
}
