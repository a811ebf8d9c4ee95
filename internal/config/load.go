package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/node"
)

// Options is the world Load looks at. Nothing else is consulted but the file.
type Options struct {
	Path    string                   // --config; "" searches
	Getenv  func(name string) string // nil looks into Environ
	Environ []string                 // NAME=VALUE; searched for unknown LIMINAL_ names
	Home    string                   // home directory; "" where there is none
	Flags   map[string]string        // by key: those that were given; lists with commas
}

func (o Options) getenv(name string) string {
	if o.Getenv != nil {
		return o.Getenv(name)
	}
	for _, kv := range slices.Backward(o.Environ) {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

// Value is one setting as it came out.
type Value struct {
	Setting Setting
	Text    string // as in the environment
	Origin  Origin
}

// Values is the outcome of Load.
type Values struct {
	Path  string   // the file that was read; "" if none
	Notes []string // for people: variables that nothing knows

	fields fields
	values []Value // in the order of the table
	opts   Options
	cookie Origin // of the cookie: LIMINAL_COOKIE, or as node.cookie_file
}

// Load reads all levels. Its error is an *Error with everything that is wrong.
func Load(o Options) (*Values, error) {
	l := loader{opts: o, v: &Values{opts: o}, given: map[string]Origin{}}
	l.defaults()
	l.file()
	l.env()
	l.flags()
	l.together()
	if len(l.problems) > 0 {
		slices.SortStableFunc(l.problems, byPlace)
		return nil, &Error{Path: shortenHome(l.v.Path, o.Home), Problems: l.problems}
	}
	l.v.Notes = l.notes()
	return l.v, nil
}

// byPlace puts the problems of the file first, by line.
func byPlace(a, b Problem) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// loader puts the levels over one another, the lowest first.
type loader struct {
	opts     Options
	v        *Values
	given    map[string]Origin // what any level but the default has set
	problems []Problem
}

func (l *loader) defaults() {
	l.v.values = make([]Value, len(settings))
	for i := range settings {
		s := &settings[i]
		l.v.values[i] = Value{Setting: *s, Text: s.Default}
		if err := s.set(&l.v.fields, s.Default); err != nil {
			l.problems = append(l.problems, Problem{Key: s.Key, Text: "default of " + s.Key + " " + err.Error()})
		}
	}
}

// put sets one value of one level.
func (l *loader) put(i int, g given, from Origin) {
	s := &settings[i]
	var err error
	if p, isList := s.field(&l.v.fields).(*[]string); isList && g.items != nil {
		g.text, err = strings.Join(g.items, ","), s.setList(p, g.items)
	} else {
		err = s.set(&l.v.fields, g.text)
	}
	if err != nil {
		l.problems = append(l.problems, Problem{
			Source: from.Source, Line: g.line, Column: g.col, Key: s.Key, Text: from.name(s.Key) + " " + err.Error(),
		})
		return
	}
	l.given[s.Key] = from
	l.v.values[i].Text, l.v.values[i].Origin = g.text, from
}

// name is what people know a value by: the key in a file, else where it came from.
func (o Origin) name(key string) string {
	if o.Source == SourceFile || o.Source == SourceDefault {
		return key
	}
	return o.String()
}

func (l *loader) file() {
	path, data, problem := readFile(l.opts)
	l.v.Path = path
	if problem != nil {
		l.problems = append(l.problems, *problem)
		return
	}
	found, problems := parse(data)
	l.problems = append(l.problems, problems...)
	shown := shortenHome(path, l.opts.Home)
	for i := range settings {
		if g, ok := found[settings[i].Key]; ok {
			l.put(i, g, Origin{Source: SourceFile, Path: shown, Line: g.line, Column: g.col})
		}
	}
}

func (l *loader) env() {
	for i := range settings {
		name := settings[i].Env
		if text := l.opts.getenv(name); text != "" {
			l.put(i, given{text: text}, Origin{Source: SourceEnv, Name: name})
		}
	}
	// NO_COLOR speaks to all programs, LIMINAL_COLOR to this one: it wins.
	if l.opts.getenv("NO_COLOR") != "" && l.opts.getenv("LIMINAL_COLOR") == "" {
		l.put(indexOf("ui.color"), given{text: "never"}, Origin{Source: SourceEnv, Name: "NO_COLOR"})
	}
	if text := l.opts.getenv("ERL_EPMD_PORT"); text != "" {
		l.epmdPort(text)
	}
	if l.opts.getenv("LIMINAL_COOKIE") != "" && l.opts.getenv("LIMINAL_COOKIE_FILE") != "" {
		l.problems = append(l.problems, Problem{Source: SourceEnv, Key: "node.cookie_file",
			Text: "LIMINAL_COOKIE and LIMINAL_COOKIE_FILE are both set; unset one"})
	}
}

func (l *loader) epmdPort(text string) {
	if !isPort(text, 1) {
		l.problems = append(l.problems, Problem{Source: SourceEnv,
			Text: "ERL_EPMD_PORT must be a port from 1 to 65535, not " + quote(text)})
		return
	}
	l.v.fields.node.EPMDPort, _ = strconv.Atoi(text)
}

func (l *loader) flags() {
	for i := range settings {
		if text, ok := l.opts.Flags[settings[i].Key]; ok {
			l.put(i, given{text: text}, Origin{Source: SourceFlag, Name: settings[i].Flag})
		}
	}
	l.v.cookie = l.v.origin("node.cookie_file")
	if l.v.cookie.Source < SourceFlag && l.opts.getenv("LIMINAL_COOKIE") != "" {
		l.v.cookie = Origin{Source: SourceEnv, Name: "LIMINAL_COOKIE"}
	}
}

// together checks settings against one another. The problem goes to the one
// that was given, of two the first named.
func (l *loader) together() {
	n := &l.v.fields.node
	if least, most := 10*time.Millisecond, n.Tick/8; n.Poll < least || n.Poll > most {
		l.mismatch("cluster.poll", "cluster.tick",
			fmt.Sprintf("cluster.poll must be from %s to an eighth of cluster.tick (%s), not %s", least, most, n.Poll))
	}
	if n.ProbeTimeout < 2*n.Probe {
		l.mismatch("cluster.probe_timeout", "cluster.probe",
			fmt.Sprintf("cluster.probe_timeout (%s) must be at least twice cluster.probe (%s)", n.ProbeTimeout, n.Probe))
	}
	if n.OTPProbeTimeout != 0 && n.OTPProbeTimeout < 2*n.Probe {
		l.mismatch("cluster.otp_probe_timeout", "cluster.probe",
			fmt.Sprintf("cluster.otp_probe_timeout (%s) must be 0s or at least twice cluster.probe (%s)", n.OTPProbeTimeout, n.Probe))
	}
	l.tlsTogether()
}

func (l *loader) mismatch(key, other, text string) {
	for _, p := range l.problems {
		if p.Key == key || p.Key == other {
			return // one of the two is not what was meant
		}
	}
	from, ok := l.given[key]
	if !ok {
		key, from = other, l.given[other]
	}
	if from.Source > SourceFile {
		text += " (from " + from.String() + ")"
	}
	l.problems = append(l.problems, Problem{Source: from.Source, Line: from.Line, Column: from.Column, Key: key, Text: text})
}

// prefix begins every variable of ours.
const prefix = "LIMINAL_"

// notes names variables that look like ours and are not.
func (l *loader) notes() []string {
	known := make([]string, 0, len(settings)+len(variables))
	for _, s := range settings {
		known = append(known, s.Env)
	}
	for _, v := range variables {
		known = append(known, v.Name)
	}
	var notes []string
	for _, kv := range l.opts.Environ {
		name, _, _ := strings.Cut(kv, "=")
		// The test suite's own variables reach programs it starts.
		ours := strings.HasPrefix(name, prefix) && !strings.HasPrefix(name, prefix+"TEST_")
		if !ours || contains(known, name) || isRecord(name) {
			continue
		}
		note := clip(name, 64) + " is not a variable of liminal"
		if near := nearestVariable(name, known); near != "" {
			note += "; did you mean " + near + "?"
		}
		notes = append(notes, note)
	}
	slices.Sort(notes)
	return slices.Compact(notes)
}

func isRecord(name string) bool {
	return slices.ContainsFunc(records, func(v Variable) bool { return v.Name == name })
}

func (v *Values) origin(key string) Origin { return v.values[indexOf(key)].Origin }

// All gives every setting in the order of the table.
func (v *Values) All() []Value { return slices.Clone(v.values) }

// Get gives one setting by its key.
func (v *Values) Get(key string) (Value, bool) {
	if i := indexOf(key); i >= 0 {
		return v.values[i], true
	}
	return Value{}, false
}

// Node gives the settings of the node, without cookie, logger and callbacks.
func (v *Values) Node() node.Config {
	c := v.fields.node
	c.Seeds = slices.Clone(c.Seeds)
	c.NoMesh = !v.fields.mesh
	if c.JoinTimeout == 0 { // in node.Config zero is the default, less is once
		c.JoinTimeout = -1
	}
	return c
}

// HTTP is where health, readiness and metrics are served, [HOST]:PORT; "" is
// nowhere.
func (v *Values) HTTP() string { return v.fields.http }

// Reloadable gives what a running node can take over, for node.Reload.
func (v *Values) Reloadable() node.Settings {
	c := v.fields.node
	return node.Settings{
		Seeds: append([]string{}, c.Seeds...), DialTimeout: c.DialTimeout,
		RetryMax: c.RetryMax, ForgetAfter: c.ForgetAfter, Drain: c.Drain,
	}
}

// Changed gives the settings of v that differ from those of old, by key.
func (v *Values) Changed(old *Values) []Value {
	var changed []Value
	for i, now := range v.values {
		s := &settings[i]
		if !reflect.DeepEqual(s.field(&v.fields), s.field(&old.fields)) {
			changed = append(changed, now)
		}
	}
	return changed
}

// UI gives the settings of the commands.
func (v *Values) UI() UI { return v.fields.ui }

// Log gives the settings of the log.
func (v *Values) Log() Log { return v.fields.log }

// Socket gives node.socket with ~ replaced; "" is RUNTIME/NAME.sock.
func (v *Values) Socket() string { return expandHome(v.fields.socket, v.opts.Home) }

// NodeFlag gives LIMINAL_NODE, the default of --node.
func (v *Values) NodeFlag() string { return v.opts.getenv("LIMINAL_NODE") }
