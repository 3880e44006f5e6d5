// Package capture turns packets into exchanges: a [Sniffer] those of a network
// interface, a [FileReader] those of a pcap or pcapng file. It follows TCP over
// IPv4 and IPv6, through tunnels (VXLAN, GENEVE, GRE, ERSPAN, IP in IP) and
// fragments, and takes HTTP/1.0, HTTP/1.1, HTTP/2 over clear text and WebSocket
// apart, found by content and not by port, from the first message whose start
// was captured.
//
// Each exchange goes to one function, in the goroutine that runs the capture;
// its bytes are valid until that function returns. A response is paired with
// the request whose bytes the server had acknowledged, in HTTP/2 by its stream.
// A request that never got a response has status 0, a response whose request was
// not captured has an empty method. A text of WebSocket is an exchange of its
// own under the request of the upgrade, with status 101 if the server sent it.
//
// A body is whole or marked truncated, with the reason. It ends at the first
// gap, at a limit, or where its content coding breaks; a body in an unknown
// coding is handed on as it was sent, and marked too. Bytes from both sides of a
// gap are never joined. Header fields of HTTP/2 that refer to what was not
// captured are left out, never guessed. When [Limits].Buffered is reached, bodies
// are handed on as far as they have come, and their connections go on.
//
// What is not inspected is counted by [Reason], and by server port: lost packets,
// TLS, tunnels after CONNECT, binary messages of WebSocket, everything that is
// not TCP, and heads that are not complete. Every limit of [Limits] ends
// something early, none stops the capture. A panic in decoding a packet costs
// that packet.
package capture
