package capture

import (
	"context"
	"fmt"

	"golang.org/x/net/bpf"
)

// packetSource gives packets one after the other.
type packetSource interface {
	// next returns the next packet, or nil when none came within the source's
	// patience. The packet is valid until the next call.
	next() (*packet, error)
}

// assembler makes exchanges of packets: filter, layers, flow table.
type assembler struct {
	cov     *coverage
	filter  string
	filters map[linkType]*bpf.VM
	layers  *layerDecoder
	table   *table
	segment segment
	// sample is the connections that are looked at, nil for all.
	sample *sample
	// frame is the number of the packet at hand, from 1.
	frame int64
}

// newAssembler returns an assembler that selects packets itself if filter is
// not empty.
func newAssembler(t *table, filter string) *assembler {
	return &assembler{
		cov:     t.cov,
		filter:  filter,
		filters: map[linkType]*bpf.VM{},
		layers:  newLayerDecoder(t.limits, t.cov),
		table:   t,
	}
}

// run takes packets until the source fails or ctx ends, and returns the error
// of either. All exchanges are handed on by then.
func (a *assembler) run(ctx context.Context, source packetSource) error {
	defer a.close()
	return a.take(ctx, source)
}

// close hands on what is unfinished.
func (a *assembler) close() {
	a.layers.fragments.close()
	a.table.close()
}

// take takes packets until the source fails or ctx ends.
func (a *assembler) take(ctx context.Context, source packetSource) error {
	for ctx.Err() == nil {
		p, err := source.next()
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		if err := a.packet(p); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (a *assembler) packet(p *packet) error {
	a.frame++
	if a.filter != "" {
		selected, err := a.selects(p)
		if err != nil || !selected {
			return err
		}
	}
	a.cov.packet()
	if p.length > len(p.bytes) {
		a.cov.truncate()
	}
	if why := a.layers.decode(p, &a.segment); why != 0 {
		if why != Fragment { // those are counted when they are given up
			a.cov.skipPacket(why, len(p.bytes))
		}
		return nil
	}
	if !a.sample.takes(&a.segment.src, &a.segment.dst) {
		return nil // in a tunnel, where the kernel does not look, or from before the sample
	}
	a.segment.frame, a.segment.origin = a.frame, p.origin
	a.table.segment(&a.segment)
	return nil
}

// selects runs the filter, compiled for the packet's link type, over p.
func (a *assembler) selects(p *packet) (bool, error) {
	vm, ok := a.filters[p.link]
	if !ok {
		program, err := compileFilter(a.filter, p.link)
		if err != nil {
			return false, err
		}
		if vm, err = bpf.NewVM(program); err != nil {
			return false, fmt.Errorf("load filter: %w", err)
		}
		a.filters[p.link] = vm
	}
	n, err := vm.Run(p.bytes)
	if err != nil {
		return false, fmt.Errorf("run filter: %w", err)
	}
	return n > 0, nil
}
