package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// poster sends JSON by HTTP. It follows no redirect: a receiver that moved is a
// configuration error, and findings go nowhere but where they were told to.
type poster struct{ client *http.Client }

// statusError is an answer other than 2xx.
type statusError struct{ code int }

// Error names the status and nothing of the answer's body.
func (e *statusError) Error() string {
	return fmt.Sprintf("answered %d %s", e.code, http.StatusText(e.code))
}

// refused says that the same request will be refused again: a redirect, which is
// not followed, and any 4xx but those that ask to wait (RFC 9110, section 15.5.9;
// RFC 6585, section 4).
func refused(err error) bool {
	status, ok := errors.AsType[*statusError](err)
	return ok && (status.code/100 == 3 || status.code/100 == 4) &&
		status.code != http.StatusRequestTimeout && status.code != http.StatusTooManyRequests
}

// errLinkLocal refuses an address at which clouds keep the credentials of a machine.
var errLinkLocal = errors.New("the address is link-local, which is refused unless it is allowed")

// newPoster returns a poster whose requests take no longer than timeout each.
func newPoster(timeout time.Duration, linkLocal bool) *poster {
	dialer := &net.Dialer{Timeout: timeout}
	if !linkLocal {
		// The address that a name leads to is judged, and each time: names change.
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			if to, err := netip.ParseAddrPort(address); err == nil && to.Addr().Unmap().IsLinkLocalUnicast() {
				return errLinkLocal
			}
			return nil
		}
	}
	return &poster{&http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			Proxy:                  http.ProxyFromEnvironment,
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    timeout,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// post sends body to target and returns nil for a 2xx answer, a *statusError for
// any other, or what went wrong on the way, without the URL: it may hold a
// credential.
func (p *poster) post(ctx context.Context, target string, body []byte, header http.Header) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return withoutURL(err)
	}
	if header != nil {
		req.Header = header.Clone()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "leaktap")
	resp, err := p.client.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }() // the answer counts, not how it is put away
	// A short answer is read to its end so that the connection is used again.
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	if resp.StatusCode/100 != 2 {
		return &statusError{resp.StatusCode}
	}
	return nil
}

// close gives idle connections back.
func (p *poster) close() { p.client.CloseIdleConnections() }

func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// parseEndpoint checks that raw is an absolute http or https URL. The error does
// not repeat any of it, as the cause would: it may hold a credential.
func parseEndpoint(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New("parse URL: want http://HOST or https://HOST, with an optional port and path")
	}
	return u, nil
}

// The pauses between tries: doubling from the first to the longest, each shortened
// at random by up to a half, so that agents do not come back in step.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 15 * time.Second
)

// backoff is the pause before the next try; its zero value stands before the
// first failure.
type backoff struct{ pause time.Duration }

// reset notes a success.
func (b *backoff) reset() { b.pause = 0 }

// wait pauses after a failure; it returns early when ctx ends.
func (b *backoff) wait(ctx context.Context) {
	b.pause = min(max(2*b.pause, firstPause), longestPause)
	timer := time.NewTimer(b.pause - rand.N(b.pause/2))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// outlive returns a context that ends a grace period after ctx: time to flush.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}
