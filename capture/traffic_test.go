package capture

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outcome compares what was seen with what was sent.
type outcome struct{ whole, truncated, alone, wrong, requestless int }

func judge(t *testing.T, got []seen, truth map[string]seen) outcome {
	t.Helper()
	bodies := map[string]bool{}
	for _, x := range truth {
		bodies[x.Response] = true
	}
	var o outcome
	for _, x := range got {
		want, known := truth[x.Target]
		switch {
		case x.Method == "" && x.Cut == "" && bodies[x.Response]:
			o.requestless++
		case x.Method == "" && x.Cut != "":
			o.truncated++
		case !known:
			o.wrong++
			t.Errorf("invented: %.300v", x)
		case x.Cut != "":
			o.truncated++
		case x.Status == 0:
			o.alone++
		case cmp.Equal(x, want):
			o.whole++
		default:
			o.wrong++
			t.Errorf("wrong:\n%.300v\nwant\n%.300v", x, want)
		}
	}
	return o
}

func TestTrafficWithoutLoss(t *testing.T) {
	sites := map[string]site{
		"ipv4":               {conns: 30, exchanges: 12, minBody: 10, maxBody: 30_000},
		"ipv6":               {conns: 30, exchanges: 12, minBody: 10, maxBody: 30_000, ipv6: true},
		"large frames":       {conns: 8, exchanges: 12, minBody: 1000, maxBody: 200_000, mss: 65_000},
		"tiny frames":        {conns: 3, exchanges: 6, minBody: 10, maxBody: 500, mss: 1},
		"bodies of 1-200 KB": {conns: 40, exchanges: 5, minBody: 1000, maxBody: 200_000},
		"HTTP/2":             {conns: 20, exchanges: 12, minBody: 10, maxBody: 60_000, http2: true},
		"HTTP/2 over IPv6":   {conns: 20, exchanges: 12, minBody: 10, maxBody: 60_000, http2: true, ipv6: true, mss: 65_000},
		"mid-stream":         {conns: 30, exchanges: 12, minBody: 10, maxBody: 30_000, noOpen: true},
	}
	for name, s := range sites {
		t.Run(name, func(t *testing.T) {
			s.rng = newRand(7)
			conns, truth := s.traffic(t)
			got, stats := replay(t, interleave(s.rng, conns))
			if o := judge(t, got, truth); o.whole != len(truth) || len(got) != len(truth) {
				t.Errorf("%d exchanges, %+v of %d", len(got), o, len(truth))
			}
			for why, n := range stats.Uninspected {
				if n != 0 {
					t.Errorf("%d bytes uninspected: %v", n, why)
				}
			}
			sent := 0
			for _, c := range conns {
				for _, f := range c {
					sent += f.payload
				}
			}
			if stats.Inspected != int64(sent) {
				t.Errorf("inspected %d of %d bytes", stats.Inspected, sent)
			}
		})
	}
}

// wantNearlyAll replays frames and wants 999 of 1,000 exchanges whole.
func wantNearlyAll(t *testing.T, frames []frame, truth map[string]seen) {
	t.Helper()
	got, _ := replay(t, frames)
	o := judge(t, got, truth)
	if recall := float64(o.whole) / float64(len(truth)); recall < 0.999 {
		t.Errorf("recall %.5f: %+v of %d", recall, o, len(truth))
	}
}

func TestTrafficOutOfOrder(t *testing.T) {
	s := site{rng: newRand(11), conns: 200, exchanges: 10, minBody: 10, maxBody: 20_000}
	conns, truth := s.traffic(t)
	for i := range conns {
		conns[i] = repeat(s.rng, reorder(s.rng, conns[i], 0.01), 0.01)
	}
	wantNearlyAll(t, interleave(s.rng, conns), truth)
}

func TestTrafficOutOfOrderWithoutHandshake(t *testing.T) {
	s := site{rng: newRand(13), conns: 200, exchanges: 10, minBody: 10, maxBody: 20_000, noOpen: true}
	conns, truth := s.traffic(t)
	for i := range conns {
		conns[i] = reorder(s.rng, conns[i], 0.01)
	}
	wantNearlyAll(t, interleave(s.rng, conns), truth)
}

// TestTrafficWithLoss deletes packets: what was not touched has to be whole,
// nothing may be wrong, and no byte may be counted twice.
func TestTrafficWithLoss(t *testing.T) {
	for share, want := range map[float64]float64{0.001: 0.998, 0.01: 0.99, 0.1: 0.9} {
		whole, untouched := 0, 0
		for seed := range uint64(6) {
			s := site{rng: newRand(100 + seed), conns: 40, exchanges: 20, minBody: 10, maxBody: 10_000}
			if seed%2 == 1 {
				s.minBody, s.maxBody = 1000, 100_000
			}
			conns, truth := s.traffic(t)
			sent, touched := 0, 0
			for i := range conns {
				for _, f := range conns[i] {
					sent += f.payload
				}
				var hurt int
				conns[i], hurt = s.hurt(conns[i], share)
				touched += hurt
			}
			got, stats := replay(t, interleave(s.rng, conns))
			o := judge(t, got, truth)
			whole += o.whole + o.requestless
			untouched += len(truth) - touched
			// A FIN that was lost looks like one lost byte.
			if sum := stats.sum(); sum > int64(sent+2*len(conns)) {
				t.Errorf("share %v: counted %d of %d bytes", share, sum, sent)
			}
		}
		recall := float64(whole) / float64(untouched)
		t.Logf("share %v: %d of %d untouched responses: %.5f", share, whole, untouched, recall)
		if recall < want {
			t.Errorf("share %v: recall %.5f, want %v", share, recall, want)
		}
	}
}

// hurt loses a share of the frames of a connection and returns how many
// responses lost some of their bytes with them.
func (s site) hurt(frames []frame, share float64) (kept []frame, touched int) {
	current, last := 0, -1
	for i, f := range frames {
		if f.side == client && f.payload > 0 && (i == 0 || frames[i-1].side != client || frames[i-1].payload == 0) {
			current++
		}
		if s.rng.Float64() >= share {
			kept = append(kept, f)
			continue
		}
		if f.side == server && f.payload > 0 && current != last {
			touched, last = touched+1, current
		}
	}
	return kept, touched
}

// TestTrafficHTTP2WithLoss checks that nothing wrong is presented as whole.
func TestTrafficHTTP2WithLoss(t *testing.T) {
	for _, share := range []float64{0.001, 0.01, 0.1} {
		s := site{rng: newRand(31), conns: 40, exchanges: 20, minBody: 10, maxBody: 20_000, http2: true}
		conns, truth := s.traffic(t)
		for i := range conns {
			conns[i], _ = s.hurt(conns[i], share)
		}
		got, _ := replay(t, interleave(s.rng, conns))
		bodies := map[string]bool{}
		for _, x := range truth {
			bodies[x.Response] = true
		}
		whole := 0
		for _, x := range got {
			switch {
			case x.Cut != "" || x.Status == 0:
			case !bodies[x.Response]:
				t.Errorf("share %v: presented as whole: %.300v", share, x)
			case x.Target != "" && truth[x.Target].Response != x.Response:
				t.Errorf("share %v: another's response: %.300v", share, x)
			default:
				whole++
			}
		}
		t.Logf("share %v: %d of %d are whole", share, whole, len(truth))
	}
}

// TestTrafficHalf loses one direction: what the other has is reported alone.
func TestTrafficHalf(t *testing.T) {
	for lost, name := range map[int]string{client: "requests", server: "responses"} {
		s := site{rng: newRand(17), conns: 50, exchanges: 10, minBody: 10, maxBody: 10_000}
		conns, truth := s.traffic(t)
		for i := range conns {
			conns[i] = slices.DeleteFunc(conns[i], func(f frame) bool { return f.side == lost })
		}
		got, _ := replay(t, interleave(s.rng, conns))
		o := judge(t, got, truth)
		if lost == client && o.requestless != len(truth) || lost == server && o.alone != len(truth) {
			t.Errorf("without %s: %+v of %d", name, o, len(truth))
		}
	}
}

// TestTrafficThousands interleaves 2,000 connections with a little of everything.
func TestTrafficThousands(t *testing.T) {
	s := site{rng: newRand(19), conns: 2000, exchanges: 3, minBody: 10, maxBody: 4000}
	conns, truth := s.traffic(t)
	for i := range conns {
		conns[i] = repeat(s.rng, reorder(s.rng, conns[i], 0.01), 0.01)
	}
	wantNearlyAll(t, interleave(s.rng, conns), truth)
}
