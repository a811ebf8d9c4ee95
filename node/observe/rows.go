package observe

import (
	"runtime"

	"github.com/liminal-bus/liminal/node"
)

// row is one metric: how it is called, and where its values come from.
type row struct {
	name string
	kind Type
	help string
	read func(m *node.Metrics) []Series
}

// rows are all metrics but those of single peers (ledger.go), of the process
// and of the HTTP server.
var rows = []row{
	{"liminal_build_info", Gauge, "Always 1; the labels tell version and Go release.", buildInfo},
	{"liminal_node_start_time_seconds", Gauge, "When the node started, in seconds since 1970.",
		value(func(m *node.Metrics) float64 { return float64(m.Status.Started.UnixMilli()) / 1e3 })},
	{"liminal_node_state", Gauge, "1 for the state that the node is in: joining, up, alone (after leave) or stopping.", nodeStates},
	{"liminal_node_degraded", Gauge, "1 for each reason why the node is less than healthy.", illnesses},
	{"liminal_tls_certificate_not_after_seconds", Gauge, "When the node's own certificate ends, in seconds since 1970; absent without TLS.", certificate},

	{"liminal_peers", Gauge, "Peers listed, by state.", peerStates},
	{"liminal_peers_looking", Gauge, "Programs that only look from outside now; they are no peers.", counted("looks")},
	{"liminal_seeds", Gauge, "Configured and joined addresses, by how dialling them goes.", seedStates},
	{"liminal_peers_joined_total", Counter, "Peers that joined, each time anew.", counted("peers_joined")},
	{"liminal_peers_left_total", Counter, "Peers that left or were lost, by why the link ended.", words("reason", "peers_left_")},
	{"liminal_peers_suspected_total", Counter, "Peers that missed two probes.", counted("peers_suspected")},
	{"liminal_peers_expelled_total", Counter, "Peers parted from for sending more than a peer may.", counted("peers_expelled")},
	{"liminal_links_flapped_total", Counter, "Links that came and went between two polls.", counted("links_flapped")},
	{"liminal_links_coalesced_total", Counter, "Links that another took the place of between two polls.", counted("links_coalesced")},

	{"liminal_links_established_total", Counter, "Handshakes that made a link; in: the peer dialled.",
		pair("direction", "in", "links_accepted", "out", "links_dialled")},
	{"liminal_links_replaced_total", Counter, "Live links that a newer one of the same peer took the place of.", counted("links_replaced")},
	{"liminal_handshakes_failed_total", Counter, "Handshakes that came to nothing, by cause.", handshakes},
	{"liminal_dials_other_cookie_total", Counter, "Dials tried again with another accepted cookie, the one before having been refused.", counted("dials_other_cookie")},
	{"liminal_handshakes_refused_total", Counter, "Inbound handshakes that this node refused by a limit or rule of its own.", words("reason", "handshakes_refused_")},
	{"liminal_handshakes_evicted_total", Counter, "Inbound handshakes ended for a newcomer, all places being taken.", counted("handshakes_evicted")},
	{"liminal_handshakes_pending", Gauge, "Inbound handshakes under way; 256 at most.",
		value(func(m *node.Metrics) float64 { return float64(m.Pending) })},
	{"liminal_accept_errors_total", Counter, "Connections that could not be accepted, for want of descriptors most often.", counted("accept_errors")},
	{"liminal_forgotten_refused_total", Counter, "Handshakes of lives of peers that were forgotten.", counted("forgot_refused")},
	{"liminal_records_dropped_total", Counter, "Records dropped for want of room: of names without a link, of holds, of forgotten lives.",
		triple("record", "row", "rows_dropped", "hold", "holds_dropped", "forgotten", "forgot_dropped")},

	{"liminal_probe_rtt_seconds", Histogram, "Round trips of probes, by whichever side sends them.", times(func(m *node.Metrics) node.Histogram { return m.RTT })},
	{"liminal_poll_late_seconds", Histogram, "How far behind its time each poll by the clock was.", times(func(m *node.Metrics) node.Histogram { return m.PollLate })},
	{"liminal_loop_stalls_total", Counter, "Times the poll loop stood still for more than a second.", counted("loop_late")},

	{"liminal_link_bytes_total", Counter, "Bytes on links to peers.", pair("direction", "in", "link_bytes_in", "out", "link_bytes_out")},
	{"liminal_link_frames_total", Counter, "Frames on links to peers, ticks included.", pair("direction", "in", "link_frames_in", "out", "link_frames_out")},
	{"liminal_link_messages_offered_total", Counter, "Messages of channels offered to links: written, dropped (full, too_large, link_down, in_flight) or queued.", counted("link_offered")},
	{"liminal_link_messages_written_total", Counter, "Of these: passed to the kernel whole.", counted("link_written")},
	{"liminal_link_dropped_total", Counter, "Messages dropped on links, by why.", words("reason", "link_dropped_")},
	{"liminal_link_refused_total", Counter, "Operations and calls of peers that were refused.", words("operation", "link_refused_")},
	{"liminal_link_queued_messages", Gauge, "Messages of channels that wait for links.", sum(func(p *node.PeerMetrics) int { return p.QueuedMessages })},
	{"liminal_link_queued_bytes", Gauge, "Bytes of these.", sum(func(p *node.PeerMetrics) int { return p.QueuedBytes })},
	{"liminal_link_control_queued_bytes", Gauge, "Bytes that wait in the control lanes of links.", sum(func(p *node.PeerMetrics) int { return p.ControlBytes })},

	{"liminal_published_messages_total", Counter, "Messages that this node published.", value(func(m *node.Metrics) float64 { return float64(m.Published) })},
	{"liminal_published_bytes_total", Counter, "Bytes of their payloads.", value(func(m *node.Metrics) float64 { return float64(m.PublishedBytes) })},
	{"liminal_published_to_nobody_total", Counter, "Messages that an Erlang process had published here and nobody listened to.", counted("pub_to_nobody")},
	{"liminal_channel_messages_received_total", Counter, "Messages that came into channels, from this node or from links.", value(func(m *node.Metrics) float64 { return float64(m.Received) })},
	{"liminal_channel_copies_sent_total", Counter, "Copies handed on, to the queues of subscribers and to links.", value(func(m *node.Metrics) float64 { return float64(m.Handed) })},
	{"liminal_channel_copies_dropped_total", Counter, "Copies lost on a full queue of a subscriber, or on the way to a link.", value(func(m *node.Metrics) float64 { return float64(m.Lost) })},
	{"liminal_channels", Gauge, "Channels that have a member on any node.", value(func(m *node.Metrics) float64 { return float64(m.Status.Channels.Channels) })},
	{"liminal_channels_local", Gauge, "Channels that this node keeps state of.", counted("bus_channels")},
	{"liminal_subscriptions", Gauge, "Subscriptions on this node, one for each channel of a subscriber.", value(func(m *node.Metrics) float64 { return float64(m.Status.Channels.Subscriptions) })},
	{"liminal_subscribers", Gauge, "Subscribers on this node.", counted("bus_subscribers")},
	{"liminal_subscriber_messages_offered_total", Counter, "Messages offered to the queues of subscribers.", counted("bus_offered")},
	{"liminal_subscriber_messages_taken_total", Counter, "Messages that subscribers took.", counted("bus_taken")},
	{"liminal_subscriber_messages_dropped_total", Counter, "Messages that subscribers lost, by why.", words("reason", "bus_dropped_")},
	{"liminal_subscriber_queued_messages", Gauge, "Messages that wait in the queues of subscribers.", counted("bus_queued")},
	{"liminal_messages_ignored_total", Counter, "Messages of peers that were not for anything here, or not understood.", words("reason", "dropped_")},
	{"liminal_messages_from_other_total", Counter, "Messages that claimed another sender than the peer they came from.", counted("messages_from_other")},

	{"liminal_pg_messages_received_total", Counter, "Messages of the pg protocol from peers.", pgMessages("")},
	{"liminal_pg_messages_sent_total", Counter, "Messages of the pg protocol to peers.", pgMessages("_sent")},
	{"liminal_pg_refused_total", Counter, "Messages of the pg protocol, or groups in them, that were refused.", pgRefused},
	{"liminal_pg_dropped_total", Counter, "Messages of the pg protocol dropped, their link or scope having ended.", pair("reason", "late", "pg_dropped_late", "lost", "pg_dropped_lost")},
	{"liminal_pg_scopes_ended_total", Counter, "Scopes of peers that ended with their link up, by how.",
		triple("how", "down", "pg_downs", "replaced", "pg_replaced", "late", "pg_late")},

	{"liminal_calls_total", Counter, "Calls to peers that came to nothing, and answers that came too late.",
		triple("outcome", "refused", "calls_refused", "expired", "calls_expired", "late", "answers_late")},
	{"liminal_exits_ignored_total", Counter, "Exit signals of peers, which end nothing here.", counted("exits_ignored")},
	{"liminal_told_addresses_total", Counter, "Addresses told by peers that were not kept, by why.", told},
	{"liminal_events_total", Counter, "Events of this node's life.", value(func(m *node.Metrics) float64 { return float64(m.Status.EventSeq) })},
}

// summed are counters that a row does not export since others add up to them.
var summed = map[string]string{
	"handshakes_failed_in":  "liminal_handshakes_failed_total",
	"handshakes_failed_out": "liminal_handshakes_failed_total",
	"peers_left":            "liminal_peers_left_total",
}

type reader = func(m *node.Metrics) []Series

func value(f func(m *node.Metrics) float64) reader {
	return func(m *node.Metrics) []Series { return one(f(m)) }
}

func counted(name string) reader {
	return func(m *node.Metrics) []Series { return one(float64(m.Status.Counters[name])) }
}

func words(label, prefix string) reader {
	return func(m *node.Metrics) []Series { return byWord(m.Status.Counters, label, prefix) }
}

// named makes a series of each word and counter: word, counter, word, counter.
func named(label string, pairs ...string) reader {
	return func(m *node.Metrics) []Series {
		var list []Series
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, with(label, pairs[i], float64(m.Status.Counters[pairs[i+1]])))
		}
		return list
	}
}

func pair(label, a, of, b, and string) reader { return named(label, a, of, b, and) }

func triple(label, a, of, b, and, c, too string) reader { return named(label, a, of, b, and, c, too) }

func times(f func(m *node.Metrics) node.Histogram) reader {
	return func(m *node.Metrics) []Series { return []Series{{Times: f(m)}} }
}

func sum(f func(p *node.PeerMetrics) int) reader {
	return value(func(m *node.Metrics) float64 {
		all := 0
		for i := range m.Peers {
			all += f(&m.Peers[i])
		}
		return float64(all)
	})
}

func buildInfo(*node.Metrics) []Series {
	return []Series{{Labels: []Label{{"goversion", runtime.Version()}, {"version", node.Version}}, Value: 1}}
}

func nodeStates(m *node.Metrics) []Series {
	var list []Series
	for _, s := range []node.NodeState{node.NodeJoining, node.NodeUp, node.NodeAlone, node.NodeStopping} {
		list = append(list, with("state", string(s), bit(m.Status.State == s)))
	}
	return list
}

func illnesses(m *node.Metrics) []Series {
	ill := map[node.Illness]bool{}
	for _, r := range m.Status.Ill {
		ill[r.Code] = true
	}
	var list []Series
	for _, i := range node.Illnesses() {
		list = append(list, with("reason", string(i), bit(ill[i])))
	}
	return list
}

func certificate(m *node.Metrics) []Series {
	if m.CertificateEnd.IsZero() {
		return nil
	}
	return one(float64(m.CertificateEnd.Unix()))
}

func peerStates(m *node.Metrics) []Series {
	count := map[node.State]int{}
	for i := range m.Peers {
		count[m.Peers[i].State]++
	}
	var list []Series
	for _, s := range []node.State{node.StateDialling, node.StateUp, node.StateSuspect, node.StateLeft, node.StateDown} {
		list = append(list, with("state", string(s), float64(count[s])))
	}
	return list
}

func seedStates(m *node.Metrics) []Series {
	count := map[string]int{}
	for _, s := range m.Status.Seeds {
		count[s.State]++
	}
	var list []Series
	for _, s := range []string{"up", "dialling", "waiting", "refused", "stopped", "self"} {
		list = append(list, with("state", s, float64(count[s])))
	}
	return list
}

func handshakes(m *node.Metrics) []Series {
	c := m.Status.Counters
	in := byWord(c, "cause", "handshakes_failed_in_", Label{"direction", "in"})
	return append(in, byWord(c, "cause", "handshakes_failed_out_", Label{"direction", "out"})...)
}

func pgMessages(way string) reader {
	return named("type", "discover", "pg_discovers"+way, "join", "pg_joins"+way, "leave", "pg_leaves"+way, "sync", "pg_syncs"+way)
}

var pgRefused = named("reason", "absent", "pg_absent", "bad", "pg_bad", "forged", "pg_forged", "long_name", "pg_long_names",
	"our_join", "pg_refused", "quota", "pg_quota", "stale", "pg_stale", "unknown", "pg_unknown")

var told = named("reason", "dropped", "told_addresses_dropped", "forgotten", "told_forgotten", "given_up", "told_given_up", "refused", "told_refused")
