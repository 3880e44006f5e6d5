package corpus

// plainWords are what running text is made of.
var plainWords = []string{
	"the", "of", "and", "a", "to", "in", "is", "it", "for", "on", "with", "as", "at", "by", "from", "this", "that", "be", "are", "was", "or", "an",
	"not", "new", "more", "than", "other", "when", "will", "can", "all", "out", "about", "into", "which", "time", "may", "up", "some", "only", "its",
	"after", "over", "also", "most", "between", "under", "before", "where", "same", "three", "small", "large", "part", "number", "water", "house",
	"garden", "kettle", "steel", "lamp", "paper", "blue", "river", "light", "cotton", "wooden", "table", "chair", "summer", "winter", "coffee", "bread",
	"music", "window", "market", "street", "city", "train", "station", "morning", "evening", "north", "south", "forest", "mountain", "island", "coast",
	"valley", "season", "festival", "stage", "concert", "album", "track", "film", "series", "chapter", "story", "author", "reader", "library",
	"science", "energy", "solar", "wind", "battery", "engine", "motor", "wheel", "bicycle", "running", "jacket", "leather", "canvas", "ceramic",
	"glass", "copper", "silver", "pattern", "colour", "design", "studio", "gallery", "museum", "theatre", "kitchen", "recipe", "tomato", "pepper",
	"olive", "lemon", "honey", "butter", "cheese", "apple", "orange", "berry", "potato", "onion", "garlic", "harvest", "farm", "field", "weather",
	"cloud", "rain", "snow", "storm", "breeze", "temperature", "pressure", "humidity", "sunrise", "sunset", "player", "team", "league", "goal", "match",
	"final", "score", "coach", "stadium", "ticket", "seat", "round", "quarter", "report", "survey", "growth", "price", "share", "index", "fund", "bond",
	"yield", "rate", "budget", "trade", "export", "import", "factory", "supply", "order", "delivery", "parcel", "courier", "warehouse", "shelf",
	"stock", "release", "version", "update", "build", "branch", "commit", "merge", "review", "patch", "module", "package", "library", "server",
	"client", "request", "response", "latency", "throughput", "queue", "worker", "cluster", "node", "region", "zone", "bucket", "volume", "snapshot",
	"backup", "schedule", "calendar", "meeting", "agenda", "note", "reminder", "project", "milestone", "sprint", "backlog", "feature", "experiment",
	"variant", "audience", "segment", "campaign", "banner", "channel", "video", "episode", "subtitle", "caption", "thumbnail", "playlist", "genre",
	"rating", "comment",
}

var firstNames = []string{
	"Ada", "Ben", "Clara", "David", "Elena", "Felix", "Greta", "Hugo", "Irene", "Jonas", "Katya", "Lars", "Maria", "Nils", "Olga", "Pedro", "Quinn",
	"Rosa", "Stefan", "Tara", "Ulrich", "Vera", "Walter", "Xenia", "Yusuf", "Zoe", "Amir", "Bianca", "Carlos", "Daphne", "Emil", "Fatima", "Gustav",
	"Hannah", "Igor", "Julia", "Kofi", "Leila", "Marco", "Nadia",
}

var lastNames = []string{
	"Abel", "Becker", "Carter", "Dubois", "Eriksen", "Fischer", "Garcia", "Hansen", "Ivanova", "Jansen", "Keller", "Lopez", "Meyer", "Novak", "Okafor",
	"Petrov", "Quist", "Rossi", "Schmidt", "Tanaka", "Ueda", "Varga", "Weber", "Xu", "Yilmaz", "Zimmer", "Andersen", "Brandt", "Costa", "Duran",
	"Ekman", "Fontaine", "Grant", "Horvat",
}

var cities = []string{
	"Lyon", "Porto", "Ghent", "Turku", "Bergen", "Graz", "Brno", "Split", "Leeds", "Cork", "Malmo", "Essen", "Utrecht", "Bilbao", "Parma", "Gdansk",
	"Tartu", "Plovdiv", "Austin", "Denver", "Toronto", "Osaka", "Perth", "Lima", "Accra", "Nairobi",
}

var streets = []string{
	"Mill", "Station", "Church", "Garden", "River", "Park", "High", "Chestnut", "Linden", "Market", "Bridge", "Castle", "Harbour", "Meadow", "Oak",
	"Victoria",
}

var countries = []string{
	"DE", "FR", "NL", "ES", "IT", "PL", "SE", "NO", "FI", "DK", "AT", "BE", "PT", "CZ", "GB", "IE", "US", "CA", "JP", "AU",
}

var currencies = []string{
	"EUR", "USD", "GBP", "SEK", "JPY", "CHF", "PLN",
}

var colours = []string{
	"red", "green", "blue", "black", "white", "grey", "navy", "teal", "amber", "olive",
}

var userAgents = []string{
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
	"curl/8.11.0", "okhttp/4.12.0", "python-requests/2.32.3", "Go-http-client/2.0", "kube-probe/1.31", "PostmanRuntime/7.43.0",
}

// identifiers are parts of the names that programmers give to things.
var identifiers = []string{
	"order", "invoice", "basket", "catalog", "shipping", "payment", "account", "profile", "session", "report", "search", "index", "cache", "storage",
	"queue", "worker", "mailer", "billing", "stock", "price", "customer", "product", "review", "export", "import", "sync", "webhook",
}

var verbs = []string{
	"load", "save", "fetch", "parse", "build", "render", "update", "create", "delete", "resolve", "handle", "process", "validate", "apply", "compute",
	"dispatch",
}

// lists are the words that templates ask for by name.
var lists = map[string][]string{
	"word": plainWords, "ident": identifiers, "verb": verbs, "first": firstNames, "last": lastNames, "city": cities, "country": countries,
	"currency": currencies, "colour": colours, "street": streets, "ua": userAgents,
}
