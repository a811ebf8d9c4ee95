package observe

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/liminal-bus/liminal/node"
)

func shown(list []account) map[string]uint64 {
	all := map[string]uint64{}
	for i := range list {
		all[peerLabel(&list[i])] = list[i].traffic.BytesIn
	}
	return all
}

func TestLedgerKeepsPlaces(t *testing.T) {
	var l ledger
	now := time.Now()
	m := crowd(MaxPeers + 2)
	first := shown(l.settle(now, &m))
	if len(first) != MaxPeers+1 || first[other] != uint64(MaxPeers+MaxPeers+1) {
		t.Fatalf("%d series, others %d", len(first), first[other])
	}

	// One leaves: it keeps its place for five minutes, and nobody else gets it.
	m.Peers[0].Member, m.Peers[0].State, m.Peers[0].Left = false, node.StateLeft, now
	got := shown(l.settle(now.Add(KeepPeer-1), &m))
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(first))) {
		t.Error("the series changed before time")
	}
	// Then the next one gets it, from what it does from then on.
	late := m.Peers[MaxPeers].Name
	got = shown(l.settle(now.Add(KeepPeer), &m))
	if own, ok := got[late]; !ok || own != 0 || len(got) != MaxPeers+1 {
		t.Errorf("the newcomer shows %d, %v; %d series", own, ok, len(got))
	}
	m.Peers[MaxPeers].BytesIn += 5
	m.All.BytesIn += 5
	if got = shown(l.settle(now.Add(KeepPeer), &m)); got[late] != 5 || got[other] != first[other] {
		t.Errorf("the newcomer shows %d, others %d", got[late], got[other])
	}

	// It is forgotten, and comes back as another record: from 0, not from before.
	m.Peers[MaxPeers].ID, m.Peers[MaxPeers].BytesIn = 9_999, 2
	m.All.BytesIn += 2
	if got = shown(l.settle(now.Add(KeepPeer), &m)); got[late] != 2 || got[other] != first[other]+5 {
		t.Errorf("another record of that name shows %d, others %d", got[late], got[other])
	}
}

// Who never proved itself has no series; one that was forgotten and comes back
// under the same name is another record.
func TestLedgerOfNewRecords(t *testing.T) {
	var l ledger
	now := time.Now()
	m := crowd(1)
	m.Peers[0].BytesIn, m.All.BytesIn = 9, 9
	m.Peers = append(m.Peers, node.PeerMetrics{Name: "x@dev", ID: 99, State: node.StateDialling})
	if got := shown(l.settle(now, &m)); len(got) != 2 || got["n00000@dev"] != 9 {
		t.Errorf("%v", got)
	}
	m.Peers[0].ID, m.Peers[0].BytesIn, m.All.BytesIn = 77, 2, 11
	if got := shown(l.settle(now, &m)); got["n00000@dev"] != 2 || got[other] != 9 {
		t.Errorf("after it was forgotten: %v", got)
	}
}

// TestLedgerModel: whoever comes, goes, is forgotten and comes back, the series
// together are what all peers did, and each only rises while it is there.
func TestLedgerModel(t *testing.T) {
	names := make([]string, MaxPeers+20)
	for i := range names {
		names[i] = member(i, 0).Name
	}
	rapid.Check(t, func(t *rapid.T) {
		var l ledger
		m := newFake().m
		now, lastID := time.Now(), uint64(0)
		gone := uint64(0)
		last := map[string]uint64{}
		find := func(name string) int {
			return slices.IndexFunc(m.Peers, func(p node.PeerMetrics) bool { return p.Name == name })
		}
		for range rapid.IntRange(1, 30).Draw(t, "scrapes") {
			for range rapid.IntRange(0, 8).Draw(t, "steps") {
				i := rapid.IntRange(0, len(names)-1).Draw(t, "peer")
				at := find(names[i])
				switch rapid.IntRange(0, 5).Draw(t, "what") {
				case 0, 1: // many come
					for j := i; j < min(i+60, len(names)); j++ {
						if find(names[j]) < 0 {
							p := member(j, uint64(j))
							lastID++
							p.ID = lastID
							m.Peers = append(m.Peers, p)
						}
					}
				case 2:
					if at >= 0 && m.Peers[at].Member {
						m.Peers[at].Member, m.Peers[at].Left = false, now
					}
				case 3:
					if at >= 0 {
						m.Peers[at].Member = true
					}
				case 4:
					if at >= 0 && !m.Peers[at].Member {
						gone += m.Peers[at].BytesIn
						delete(last, m.Peers[at].Name)
						m.Peers = slices.Delete(m.Peers, at, at+1)
					}
				case 5:
					now = now.Add(time.Minute)
				}
				for j := range m.Peers {
					m.Peers[j].BytesIn += uint64(j)
				}
			}
			m.All.BytesIn = gone
			for i := range m.Peers {
				m.All.BytesIn += m.Peers[i].BytesIn
			}
			got := shown(l.settle(now, &m))
			sum := uint64(0)
			for name, v := range got {
				sum += v
				if v < last[name] {
					t.Fatalf("%s fell from %d to %d", name, last[name], v)
				}
			}
			if sum != m.All.BytesIn || len(got) > MaxPeers+1 {
				t.Fatalf("%d in %d series, %d in truth", sum, len(got), m.All.BytesIn)
			}
			if len(l.places)+len(l.apart) > len(m.Peers) {
				t.Fatalf("%d and %d names kept of %d", len(l.places), len(l.apart), len(m.Peers))
			}
			last = got
		}
	})
}
