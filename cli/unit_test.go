package cli

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// unitKeys are the settings that a unit of ours may have, by section. A
// misspelt one is no error to systemd.
var unitKeys = map[string][]string{
	"Unit": {"Description", "Documentation", "Wants", "After"},
	"Service": {
		"Type", "ExecStart", "ExecReload", "User", "RuntimeDirectory", "RuntimeDirectoryMode", "StandardOutput", "WatchdogSec",
		"Restart", "RestartSec", "RestartPreventExitStatus", "TimeoutStopSec", "LimitNOFILE", "NoNewPrivileges",
		"CapabilityBoundingSet", "ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectKernelTunables",
		"ProtectKernelModules", "ProtectControlGroups", "RestrictAddressFamilies", "RestrictNamespaces", "RestrictSUIDSGID",
		"LockPersonality", "MemoryDenyWriteExecute", "SystemCallArchitectures", "SystemCallFilter", "UMask",
	},
	"Install": {"WantedBy"},
}

// parseUnit reads a unit file; each key stands once in ours.
func parseUnit(text string) (map[string]string, error) {
	unit, section := map[string]string{}, ""
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(name, "]")
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		switch _, twice := unit[key]; {
		case !ok:
			return nil, fmt.Errorf("no setting: %q", line)
		case twice:
			return nil, fmt.Errorf("%s stands twice", key)
		case !slices.Contains(unitKeys[section], key):
			return nil, fmt.Errorf("no setting of [%s]: %s", section, key)
		}
		unit[key] = value
	}
	return unit, nil
}

// unitRules say what the code needs of a unit.
var unitRules = []struct {
	key string
	ok  func(a *app, value string) bool
}{
	{"Type", func(_ *app, v string) bool { return v == "notify" || v == "notify-reload" }},
	{"ExecStart", func(a *app, v string) bool {
		words := strings.Fields(v)
		if len(words) == 0 || !strings.HasSuffix(words[0], "/liminal") {
			return false
		}
		l, err := a.grammar.arrange(words[1:])
		return err == nil && l.leaf() != nil && fullName(l.leaf()) == "node start" && len(l.args) == 0
	}},
	{"ExecReload", func(_ *app, v string) bool { return strings.HasSuffix(v, "/kill -HUP $MAINPID") }}, // reloadLoop
	{"RuntimeDirectory", func(_ *app, v string) bool { return v == "liminal" }},                        // where clients look too
	{"RuntimeDirectoryMode", func(_ *app, v string) bool { return v == "0700" }},                       // a looser one is refused
	{"WatchdogSec", func(_ *app, v string) bool {
		seconds, err := strconv.Atoi(v)
		period, bad := watchdogPeriod(func(name string) string { return map[string]string{"WATCHDOG_USEC": v + "000000"}[name] }, 0)
		return err == nil && bad == nil && period == time.Duration(seconds)*time.Second/2 && period >= 5*time.Second
	}},
	{"RestartPreventExitStatus", func(_ *app, v string) bool {
		var codes []string
		for _, code := range []int{exitUsage, exitTaken, exitRefused, exitConfig} {
			codes = append(codes, strconv.Itoa(code))
		}
		return v == strings.Join(codes, " ")
	}},
	{"RestrictAddressFamilies", func(_ *app, v string) bool { return v == "AF_UNIX AF_INET AF_INET6" }},
	{"StandardOutput", func(_ *app, v string) bool { return v == "null" }}, // the log has the events
	{"ProtectSystem", func(_ *app, v string) bool { return v == "strict" }},
	{"NoNewPrivileges", func(_ *app, v string) bool { return v == "yes" }},
	{"User", func(_ *app, v string) bool { return v != "" && v != "root" }},
}

// checkUnit gives what is wrong with a unit.
func checkUnit(a *app, text string) []string {
	unit, err := parseUnit(text)
	if err != nil {
		return []string{err.Error()}
	}
	var wrong []string
	for _, rule := range unitRules {
		if value, ok := unit[rule.key]; !ok || !rule.ok(a, value) {
			wrong = append(wrong, fmt.Sprintf("%s=%s", rule.key, value))
		}
	}
	return wrong
}

// readmeUnit is the unit in the README.
func readmeUnit(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(readme), "\n```ini\n")
	unit, _, ended := strings.Cut(rest, "\n```\n")
	if !found || !ended {
		t.Fatal("the README has no unit for systemd in an ini block")
	}
	return unit
}

// TestReadmeUnit holds the unit of the README against the code.
func TestReadmeUnit(t *testing.T) {
	a := testApp(t)
	unit := readmeUnit(t)
	for _, wrong := range checkUnit(a, unit) {
		t.Errorf("the unit of the README has %s", wrong)
	}
	for _, test := range []struct{ from, to, want string }{ // each rule can fail
		{"Type=notify", "Type=simple", "Type=simple"},
		{"node start", "node strat", "ExecStart="},
		{"--config", "--confg", "ExecStart="},
		{"64 73", "64 74", "RestartPreventExitStatus="},
		{"=0700", "=0755", "RuntimeDirectoryMode=0755"},
		{"WatchdogSec=30", "WatchdogSec=30x", "WatchdogSec=30x"},
		{"WatchdogSec=", "WatchDogSec=", "no setting of [Service]: WatchDogSec"},
		{"-HUP", "-USR1", "ExecReload="},
	} {
		broken := strings.Replace(unit, test.from, test.to, 1)
		if wrong := checkUnit(a, broken); len(wrong) != 1 || !strings.HasPrefix(wrong[0], test.want) {
			t.Errorf("%s: %q", test.to, wrong)
		}
	}
}
