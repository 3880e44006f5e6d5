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

// prefer goes to another replica if the leader has named one in place of records, and
// says whether it has. The session is locked.
func (p *puller) prefer(w *worker, part *fetchedPartition) bool {
	if p.s.k.cfg.Rack == "" || part.preferred == noLeader || len(part.records) > 0 || part.large != nil {
		return false
	}
	p.s.k.log.Debug("partition is fetched from a replica near", "topic", w.tp.topic, "partition", w.tp.partition, "broker", part.preferred)
	w.route.near.broker = part.preferred
	w.route.leader = noLeader // until the puller of that broker is there
	p.s.askRoute()
	return true
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
