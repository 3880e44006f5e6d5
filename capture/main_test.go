package capture

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/leaktap/leaktap/internal/metricstest"
)

// moved finds metrics that no test moves.
var moved metricstest.Watch

// shared is the registry of all that readAll reads.
var shared = moved.Registry()

func TestMain(m *testing.M) { goleak.VerifyTestMain(metricstest.Main{M: m, Watch: &moved}) }
