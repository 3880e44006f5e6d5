// Package policy says what a route may return, and judges responses by it.
//
// It takes bytes: a policy file, OpenAPI 3.0 and 3.1 documents, a learned baseline. It gives
// a [Policy] that an engine asks for each exchange: which route it belongs to, which fields
// of its response nobody declared, and which findings are allowed, accepted or known
// already. Of several sources the strongest that knows the route decides: policy file,
// OpenAPI document, baseline. What a source does not speak of is left as it was found.
//
// A compiled policy is immutable. A judge keeps its buffers from one exchange to the next: a
// response that holds nothing but what it may costs no allocation. Nothing here reads files,
// follows references out of a document, or knows the time.
package policy
