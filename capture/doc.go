// Package capture turns packets into exchanges: a [Sniffer] those of a network
// interface, a [FileReader] those of a pcap or pcapng file. It follows TCP over
// IPv4 and IPv6 and takes HTTP/1.0 and 1.1 apart, found by content and not by
// port, from the first message whose start was captured.
//
// Each exchange goes to one function, in the goroutine that runs the capture;
// its bytes are valid until that function returns. A response is paired with
// the request whose bytes the server had acknowledged. A request that never got
// a response has status 0, a response whose request was not captured has an
// empty method.
//
// A body is whole or marked truncated. It ends at the first gap, at the limit,
// or where its content coding breaks; a body in an unknown coding is handed on
// as it was sent, and marked too. Bytes from both sides of a gap are never
// joined.
//
// Tunnels (VXLAN, GENEVE, GRE, ERSPAN, IP in IP) are looked through and fragments
// put together, to a bounded depth and number of bytes.
//
// What is not inspected is counted by [Reason]: lost packets, TLS, HTTP/2,
// WebSocket, tunnels, fragments, everything that is not TCP, and heads that are
// not complete. Every limit of [Limits] ends something early, none stops the
// capture. A panic in decoding a packet costs that packet.
package capture
