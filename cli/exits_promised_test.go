package cli

import (
	"strings"
	"testing"
)

// promised are the exit statuses that scripts branch on, as numbers: one that
// changes by a slip in the table of names is found here.
var promised = map[int]string{
	1: "cert_expired demo dropped exec_failed join no_channels peer_up self slow " +
		"too_many_channels too_many_peers unhealthy unknown_channel unknown_peer",
	20: "probe_resolve",
	21: "probe_epmd",
	22: "probe_connect",
	23: "probe_tls",
	24: "probe_name",
	25: "probe_flags",
	26: "probe_cookie",
	64: "bad_address bad_name usage which_node",
	65: "cert_form message_empty message_refused message_size",
	66: "exec_missing input_missing",
	69: "cluster_join control epmd_missing epmd_remote no_host no_such_name node_not_running " +
		"node_stopped stale_socket unreachable",
	70: "internal",
	73: "already_running cert_busy cert_files config_exists looks name_duplicate name_in_use " +
		"name_twins port_in_use socket_path socket_taken",
	74: "io output",
	76: "control_version name_mode not_dist tls_mismatch version",
	77: "cert_ca cookie cookie_file cookie_mode exec_refused held refused runtime_dir " +
		"socket_permission tls_refused tls_untrusted",
	78:  "config_file config_files config_key tls_file",
	124: "timeout",
}

// TestExitsArePromised: every code has the status that was promised, and none is
// left out.
func TestExitsArePromised(t *testing.T) {
	seen := 0
	for status, codes := range promised {
		for _, code := range strings.Fields(codes) {
			seen++
			if got, ok := exits[code]; !ok || got != status {
				t.Errorf("%s exits with %d, promised is %d", code, got, status)
			}
		}
	}
	if seen != len(exits) {
		t.Errorf("%d codes are promised, and there are %d", seen, len(exits))
	}
}
