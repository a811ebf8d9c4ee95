package config

import (
	"strings"

	"github.com/xrash/smetrics"
)

// likeness is how alike two words must be for one to be suggested for the other.
const likeness = 0.8

func similar(a, b string) float64 { return smetrics.JaroWinkler(a, b, 0.7, 4) }

// nearestVariable gives the known variable most like name, or "". The part that
// all have in common does not count.
func nearestVariable(name string, known []string) string {
	best, at := "", likeness
	name = strings.TrimPrefix(name, prefix)
	for _, k := range known {
		if s := similar(name, strings.TrimPrefix(k, prefix)); s > at {
			best, at = k, s
		}
	}
	return best
}

// nearestKey gives the key or table most like an unknown key, or "". What
// counts is the name; another table takes a little off, so that a key under the
// wrong table is still near.
func nearestKey(key string) string {
	if len(key) > 128 {
		return ""
	}
	key = strings.ToLower(key)
	table, name, dotted := cutLast(key)
	if indexOf(table) >= 0 {
		return table // something below a setting
	}
	best, at := "", likeness
	consider := func(k string, s float64) {
		if s > at {
			best, at = k, s
		}
	}
	if !dotted {
		for _, t := range tables {
			consider(t.name, similar(key, t.name))
		}
	}
	for _, s := range settings {
		in, known, _ := cutLast(s.Key)
		score := similar(name, known)
		if in != table {
			score *= 0.97
		}
		consider(s.Key, score)
	}
	return best
}

// cutLast cuts at the last dot.
func cutLast(key string) (table, name string, dotted bool) {
	if i := strings.LastIndexByte(key, '.'); i >= 0 {
		return key[:i], key[i+1:], true
	}
	return "", key, false
}
