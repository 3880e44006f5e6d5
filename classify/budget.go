package classify

import "time"

const (
	// budgetUnit is the bytes for which an exchange has Limits.Time once.
	budgetUnit = 1 << 20
	// budgetStride is how many questions to rules pass between two looks at the clock.
	budgetStride = 64
)

// budget bounds the time that the rules may take over one exchange. Looking for places is
// not bounded: it costs the same for all bytes.
type budget struct {
	// questions counts what rules were asked in the exchange.
	questions int
	// started is when the first look at the clock was, at which nothing is spent.
	started time.Duration
	// part is how many bytes had been looked at when the present part began.
	part int64
	// spent says that no rule is asked any more.
	spent bool
}

// begin is called before each part of an exchange, with the bytes looked at so far.
func (b *budget) begin(bytes int64) {
	if !b.spent {
		b.part = bytes
	}
}

// ask counts a question and says whether it may be asked.
func (c *Classifier) ask() bool {
	b := &c.budget
	b.questions++
	if b.questions%budgetStride != 0 || c.e.clock == nil || b.spent {
		return !b.spent
	}
	now := c.e.clock()
	if b.started == 0 {
		b.started = now
	}
	b.spent = now-b.started > c.e.limits.Time*time.Duration(1+sizeOf(c.x)/budgetUnit)
	return !b.spent
}

// settleBudget counts the parts that were not looked at to their end.
func (c *Classifier) settleBudget() {
	if c.budget.spent {
		c.out.TimeLimit = c.out.Bytes - c.budget.part
		c.out.Bytes = c.budget.part
	}
}

// sizeOf returns how many bytes an exchange holds, headers left out.
func sizeOf(x *Exchange) int {
	return len(x.Target) + len(x.Request.Body) + len(x.Response.Body) + len(x.Record)
}
