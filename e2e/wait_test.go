//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// eventually tries a condition outside of this process until it holds.
func eventually(t *testing.T, limit time.Duration, what string, condition func() error) {
	t.Helper()
	poll(t, 20*time.Millisecond, limit, what, condition)
}

// poll tries a condition at an interval until it holds.
func poll(t *testing.T, interval, limit time.Duration, what string, condition func() error) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within %v: %v", what, limit, err)
		}
	}
}

// freePort returns a TCP port of loopback that was free a moment ago, for programs
// that cannot choose one themselves.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// get returns the body that a URL answers with 200.
func get(url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // goleak: no idle connection stays
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", url, res.Status)
	}
	return body, err
}

// getJSON decodes what a URL answers.
func getJSON[T any](url string) (v T, err error) {
	body, err := get(url)
	if err == nil {
		err = json.Unmarshal(body, &v)
	}
	return v, err
}
