package capture

import (
	"testing"
)

// seconds hands the sampler n seconds of one cost and counts the changes.
func (s *sampler) seconds(n int, cost strain) (changes int) {
	for range n {
		if changed, _ := s.second(&cost); changed {
			changes++
		}
	}
	return changes
}

// relaxed is a second of a machine with four cores that has time for everybody.
func relaxed() strain {
	return strain{received: 10_000, used: 0.2, workers: 2, cores: 4, idle: 3}
}

func TestSamplerExcess(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*strain)
		factor float64
		cause  string
	}{
		"relaxed":               {func(*strain) {}, 0, ""},
		"a few drops":           {func(s *strain) { s.dropped = 100 }, 0, ""},
		"many drops":            {func(s *strain) { s.dropped = 7500 }, 4, causeDrops},
		"nothing is left":       {func(s *strain) { s.dropped = 10_000 }, 256, causeDrops},
		"within the budget":     {func(s *strain) { s.budget = 0.2 }, 0, ""},
		"past the budget":       {func(s *strain) { s.budget = 0.1 }, 2, causeBudget},
		"budget before drops":   {func(s *strain) { s.budget, s.dropped = 0.05, 5000 }, 4, causeBudget},
		"drops before budget":   {func(s *strain) { s.budget, s.dropped = 0.1, 7500 }, 4, causeDrops},
		"a busy machine":        {func(s *strain) { s.idle = 0 }, 10, causeBusy},
		"idle time":             {func(s *strain) { s.idle = 0.12 }, 0, ""},
		"a little idle time":    {func(s *strain) { s.idle, s.used = 0.1, 0.3 }, 1.5, causeBusy},
		"more than spare time":  {func(s *strain) { s.idle, s.used = 0, 0.4 }, 2, causeBusy},
		"busy and hardly used":  {func(s *strain) { s.idle, s.used = 0, 0.02 }, 0, ""},
		"busy with itself":      {func(s *strain) { s.idle, s.used = 0, 2.1 }, 0, ""},
		"the machine is no one": {func(s *strain) { s.idle, s.cores = 0, 0 }, 0, ""},
	} {
		cost := relaxed()
		c.change(&cost)
		factor, cause := cost.excess()
		if off := factor - c.factor; off > 1e-9 || -off > 1e-9 || cause != c.cause {
			t.Errorf("%s: %v times too much because %q, want %v because %q", name, factor, cause, c.factor, c.cause)
		}
	}
}

func TestSamplerEasy(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*strain)
		easy   bool
	}{
		"relaxed":              {func(*strain) {}, true},
		"one drop":             {func(s *strain) { s.dropped = 1 }, false},
		"half the budget":      {func(s *strain) { s.budget = 0.5 }, true},
		"too near the budget":  {func(s *strain) { s.budget = 0.43 }, false},
		"workers at work":      {func(s *strain) { s.used = 1 }, false},
		"little idle time":     {func(s *strain) { s.idle = 0.5 }, false},
		"enough idle time":     {func(s *strain) { s.idle = 0.53 }, true},
		"hardly used":          {func(s *strain) { s.idle, s.used = 0, 0.008 }, true},
		"little, but too much": {func(s *strain) { s.idle, s.used = 0, 0.01 }, false},
	} {
		cost := relaxed()
		c.change(&cost)
		if easy := cost.easy(); easy != c.easy {
			t.Errorf("%s: easy is %v", name, easy)
		}
	}
}

// TestSamplerSteps follows one through a day.
func TestSamplerSteps(t *testing.T) {
	s := newSampler(7)
	calm, flood, burst, tight := relaxed(), relaxed(), relaxed(), relaxed()
	flood.dropped, burst.dropped, tight.dropped = 7000, 300, 1
	step := func(what string, n int, cost strain, every, changes int) {
		t.Helper()
		if got := s.seconds(n, cost); got != changes || s.sample().every() != every {
			t.Errorf("%s: one in %d after %d changes, want one in %d after %d", what, s.sample().every(), got, every, changes)
		}
	}
	step("nothing to do", 1000, calm, 1, 0)
	step("a second is no reason", 1, flood, 1, 0)
	step("nor is another later", 1, calm, 1, 0)
	step("still not", 1, flood, 1, 0)
	step("two in a row are", 1, flood, 4, 1)
	step("not calm for long enough", minCalm-1, calm, 4, 0)
	step("disturbed", 1, burst, 4, 0)
	step("again not for long enough", minCalm-1, calm, 4, 0)
	step("calm", 1, calm, 2, 1)
	step("calm too soon", 2, burst, 4, 1)
	step("not as soon as before", 2*minCalm-1, calm, 4, 0)
	step("tried again", 1, calm, 2, 1)
	step("too soon again", 2, burst, 4, 1)
	step("still later", 4*minCalm-1, calm, 4, 0)
	step("tried for the third time", 1, calm, 2, 1)
	step("that lasted: as soon as at first", 4*minCalm, calm, 1, 1)
	step("everything", 1000, calm, 1, 0)
	s.wait, s.exponent, s.calm = maxCalm, 2, maxCalm-1
	step("a trial after a long wait", 1, calm, 2, 1)
	s.seconds(maxCalm, tight)
	if s.wait != minCalm {
		t.Errorf("a trial that lasted for longer than a turn: the next wait is %d", s.wait)
	}
	s.exponent = 0
	flood.dropped = flood.received
	step("as few as there may be", 2, flood, 256, 1)
	step("not fewer", turnSeconds-1, flood, 256, 0)
}

// TestSamplerTurns lets each of many connections have its turn.
func TestSamplerTurns(t *testing.T) {
	s := newSampler(1)
	tight := relaxed()
	tight.dropped = 7000
	s.seconds(strainSeconds, tight)
	tight.dropped = 1 // too few to be strained, too many to be easy
	const connections, turns = 200, 60
	seenBy := [connections]int{}
	for range turns {
		for i := range seenBy {
			a, b := endpoint{addr: [16]byte{15: 1}, port: uint16(20_000 + i)}, endpoint{addr: [16]byte{15: 2}, port: 80}
			if s.sample().takes(&a, &b) {
				seenBy[i]++
			}
		}
		if changes := s.seconds(turnSeconds, tight); changes != 1 {
			t.Fatalf("%d changes in a turn", changes)
		}
	}
	for i, n := range seenBy { // 15 are expected, with a deviation of 3.4
		if n < 2 || n > 30 {
			t.Errorf("connection %d had %d of %d turns", i, n, turns)
		}
	}
}
