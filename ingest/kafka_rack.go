package ingest

import "time"

// replica is where a partition is fetched from in its leader's place (KIP-392).
type replica struct {
	// broker is noLeader for none.
	broker int32
	// leaderOnly is until when no other replica is asked for, after trouble with one.
	leaderOnly time.Time
}

// replicaPause is how long a partition stays with its leader after trouble with another
// replica.
const replicaPause = time.Minute

// rackFor is the rack that a request tells; none if a partition is to be had from its
// leader. The partitions are in flight: nobody else changes their routes.
func (k *Kafka) rackFor(wanted []*worker) string {
	if k.cfg.Rack == "" || k.cfg.ends() {
		return ""
	}
	now := time.Now()
	for _, w := range wanted {
		if now.Before(w.route.near.leaderOnly) {
			return ""
		}
	}
	return k.cfg.Rack
}

// prefer notes that the leader has named another replica. The session is locked.
func (p *puller) prefer(w *worker, broker int32) {
	p.s.k.log.Debug("partition is fetched from a replica near", "topic", w.tp.topic, "partition", w.tp.partition, "broker", broker)
	w.route.near.broker = broker
	w.route.leader = noLeader // until the puller of that broker is there
	p.s.askRoute()
}

// leave goes back to the leader after trouble with another replica, and says whether
// there was another. The session is locked.
func (r *route) leave() bool {
	if r.near.broker == noLeader {
		return false
	}
	r.near = replica{broker: noLeader, leaderOnly: time.Now().Add(replicaPause)}
	r.leader = noLeader
	return true
}
