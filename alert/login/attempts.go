package login

import (
	"net/netip"
	"time"
)

// meter lets through so many at once, and then one each time that has passed: the generic
// cell rate algorithm (ITU-T I.371), which keeps one time.
type meter struct {
	burst int
	every time.Duration
}

// take returns when the next one is due if one is let through now, or how long to wait. due
// is what take returned before, the zero time at first.
func (m meter) take(due, now time.Time) (next time.Time, wait time.Duration) {
	next = due
	if next.Before(now) {
		next = now
	}
	next = next.Add(m.every)
	if wait := next.Sub(now) - time.Duration(m.burst)*m.every; wait > 0 {
		return due, wait
	}
	return next, 0
}

// maxAddresses bounds the addresses that are told apart; others share one meter.
const maxAddresses = 1_000

// attempts limits attempts to log in.
type attempts struct {
	byAddress map[netip.Prefix]time.Time // when the next one is due
	all       time.Time
}

// perAddress and altogether are the limits of attempts.
func perAddress() meter { return meter{burst: 5, every: 12 * time.Second} }
func altogether() meter { return meter{burst: 30, every: 2 * time.Second} }

// take counts an attempt, or returns how long to wait.
func (a *attempts) take(address string, now time.Time) (wait time.Duration) {
	from := a.known(network(address), now)
	due, wait := perAddress().take(a.byAddress[from], now)
	if wait > 0 {
		return wait
	}
	if a.all, wait = altogether().take(a.all, now); wait > 0 {
		return wait
	}
	a.byAddress[from] = due
	return 0
}

// forgive forgets the attempts of an address, one of which was right.
func (a *attempts) forgive(address string) { delete(a.byAddress, network(address)) }

// known returns a network if there is room for it, or the zero one.
func (a *attempts) known(from netip.Prefix, now time.Time) netip.Prefix {
	if _, ok := a.byAddress[from]; ok || len(a.byAddress) < maxAddresses {
		return from
	}
	for key, due := range a.byAddress {
		if !due.After(now) {
			delete(a.byAddress, key)
		}
	}
	if len(a.byAddress) < maxAddresses {
		return from
	}
	return netip.Prefix{}
}

// network is the host of HOST:PORT, or its /64 in IPv6, which one person has; the zero network
// if it is no address.
func network(address string) netip.Prefix {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Prefix{}
	}
	ip := at.Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // the number of bits is one of that kind
	return p
}
