//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// serverVariable makes the test binary a server to be watched.
const serverVariable = "LEAKTAP_E2E_SERVER"

// serveRecords is the server that is watched: it answers /N with a JSON list of about N
// kilobytes, until it is killed.
func serveRecords() int {
	bodies := map[string][]byte{}
	for kilobytes := 1; kilobytes <= maxKilobytes; kilobytes++ {
		bodies[fmt.Sprintf("/%d", kilobytes)] = orders(kilobytes << 10)
	}
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Printf("listening on %d\n", listener.Addr().(*net.TCPAddr).Port)
	err = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := bodies[r.URL.Path]
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}))
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// maxKilobytes is the largest of the bodies.
const maxKilobytes = 20

// orders is a JSON list of a length, of records such as shops have.
func orders(length int) []byte {
	type order struct {
		ID       int      `json:"id"`
		Customer string   `json:"customer"`
		City     string   `json:"city"`
		Placed   string   `json:"placed_at"`
		Lines    []string `json:"lines"`
		Total    float64  `json:"total"`
		Paid     bool     `json:"paid"`
	}
	var list []order
	for i := 0; ; i++ {
		list = append(list, order{
			ID: 48_000 + 7*i, Customer: fmt.Sprintf("Customer %d", i), City: "Utrecht", Placed: fmt.Sprintf("2026-11-%02dT10:%02d:00Z", i%28+1, i%60),
			Lines: []string{fmt.Sprintf("%d x tea, green", i%5+1), fmt.Sprintf("%d x mug, blue", i%3+1)}, Total: float64(i%90) + 0.95, Paid: i%2 == 0,
		})
		text, err := json.Marshal(list)
		if err != nil || len(text) >= length {
			return text
		}
	}
}

// callers are clients of the server: each has a connection of its own and one request
// under way at most.
type callers struct {
	// rest is held while they have nothing to ask for.
	rest    sync.RWMutex
	answers atomic.Int64
	// pace is how long a client waits from one request to the next, 0 for not at all.
	pace atomic.Int64
	mu   sync.Mutex
	took []time.Duration
}

// call sends requests until the connection is closed.
func (c *callers) call(conn net.Conn, number int) {
	in := bufio.NewReaderSize(conn, 32<<10)
	next := time.Now()
	for i := number; ; i++ {
		c.rest.RLock()
		c.rest.RUnlock() //nolint:staticcheck // it is held for as long as it takes
		if pace := time.Duration(c.pace.Load()); pace > 0 {
			next = next.Add(pace)
			if late := time.Since(next); late > pace {
				next = time.Now()
			}
			time.Sleep(time.Until(next))
		}
		sent := time.Now()
		request := "GET /" + strconv.Itoa(i%maxKilobytes+1) + " HTTP/1.1\r\nHost: shop\r\nAccept: application/json\r\nUser-Agent: caller/1.0\r\n\r\n"
		if _, err := io.WriteString(conn, request); err != nil || readAnswer(in) != nil {
			return
		}
		took := time.Since(sent)
		c.answers.Add(1)
		c.mu.Lock()
		c.took = append(c.took, took)
		c.mu.Unlock()
	}
}

// readAnswer reads a response that has a Content-Length, at as little cost as may be: the
// clients share the processor with what they measure.
func readAnswer(in *bufio.Reader) error {
	const name = "Content-Length: "
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			_, err := in.Discard(length)
			return err
		}
		if value, ok := strings.CutPrefix(string(line), name); ok {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return err
			}
		}
	}
}
