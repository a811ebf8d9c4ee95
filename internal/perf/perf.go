package perf

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

//go:embed testdata/costs.txt
var text string

// Row is one cost.
type Row struct {
	Name string
	Most float64
	What string // the unit, and why the number is what it is
}

// Rows are all costs, in the order of the table.
func Rows() ([]Row, error) {
	var rows []Row
	for i, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Fields(line)
		if len(f) < 3 {
			return nil, fmt.Errorf("line %d: want most, name, and what is counted", i+1)
		}
		most, err := strconv.ParseFloat(f[0], 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		rows = append(rows, Row{Name: f[1], Most: most, What: strings.Join(f[2:], " ")})
	}
	return rows, nil
}

// Most fails the test if got is above the row of that name.
func Most(t testing.TB, name string, got float64) {
	t.Helper()
	row, err := find(name)
	if err != nil {
		t.Errorf("costs.txt: %v", err)
		return
	}
	t.Logf("cost %-36s %10.4g of %-8.4g %s", name, got, row.Most, row.What)
	switch {
	case got > row.Most:
		t.Errorf("%s: %v %s, the table allows %v", name, got, row.What, row.Most)
	case got < row.Most*0.75:
		t.Logf("%s: the row can follow down", name)
	}
}

func find(name string) (Row, error) {
	rows, err := Rows()
	if err != nil {
		return Row{}, err
	}
	for _, r := range rows {
		if r.Name == name {
			return r, nil
		}
	}
	return Row{}, fmt.Errorf("no row %q", name)
}
