package cli

import (
	"sort"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// listColumn is one column of a command that lists things. The order of a
// list's columns is a promise: new ones come only at its end.
type listColumn[T any] struct {
	name  string // in --columns and --sort, and the head of plain output
	head  string // on a terminal
	right bool
	plain func(T) string
	shown func(item T, now time.Time) cell // nil: as plain
	less  func(a, b T) bool
}

func listFlags[T any](columns []listColumn[T]) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "sort", Usage: "order by `COLUMN`; -COLUMN is downwards", DefaultText: columns[0].name},
		&cli.StringFlag{Name: "columns", Usage: "only `COLUMNS`, in this order: " + strings.Join(columnNames(columns), ",")},
	}
}

// listView is what --columns and --sort ask to see.
type listView[T any] struct {
	columns []listColumn[T]
	key     listColumn[T] // the first column, which decides among equals
	sort    listColumn[T]
	down    bool // sort downwards
}

// wholeView shows all columns in the order of the first.
func wholeView[T any](columns []listColumn[T]) listView[T] {
	return listView[T]{columns: columns, key: columns[0], sort: columns[0]}
}

func newListView[T any](c *cli.Context, columns []listColumn[T]) (listView[T], error) {
	v := wholeView(columns)
	if names := c.String("columns"); names != "" {
		v.columns = nil
		for _, name := range strings.Split(names, ",") {
			col, err := findColumn(name, columns, c.Command)
			if err != nil {
				return v, err
			}
			v.columns = append(v.columns, col)
		}
	}
	name, down := strings.CutPrefix(c.String("sort"), "-")
	if name == "" {
		return v, nil
	}
	col, err := findColumn(name, columns, c.Command)
	v.sort, v.down = col, down
	return v, err
}

func findColumn[T any](name string, among []listColumn[T], cmd *cli.Command) (listColumn[T], error) {
	for _, col := range among {
		if col.name == name {
			return col, nil
		}
	}
	return listColumn[T]{}, usage("there is no column "+name, "the columns are "+strings.Join(columnNames(among), ", "), cmd)
}

func columnNames[T any](cols []listColumn[T]) []string {
	var names []string
	for _, c := range cols {
		names = append(names, c.name)
	}
	return names
}

// order sorts by the chosen column; the first decides among equals.
func (v listView[T]) order(items []T) {
	sort.SliceStable(items, func(i, j int) bool {
		a, b := items[i], items[j]
		if v.down {
			a, b = b, a
		}
		if v.sort.less(a, b) || v.sort.less(b, a) {
			return v.sort.less(a, b)
		}
		return v.key.less(items[i], items[j])
	})
}

// plainList writes the items tab-separated.
func plainList[T any](o *output, items []T, v listView[T]) {
	if o.header {
		o.fields(columnNames(v.columns)...)
	}
	for _, item := range items {
		var fields []string
		for _, c := range v.columns {
			fields = append(fields, c.plain(item))
		}
		o.fields(fields...)
	}
}

// tableOf lays the items out for people.
func tableOf[T any](items []T, v listView[T], now time.Time) ([]column, [][]cell) {
	var heads []column
	for _, c := range v.columns {
		heads = append(heads, column{head: c.head, right: c.right})
	}
	var rows [][]cell
	for _, item := range items {
		var row []cell
		for _, c := range v.columns {
			if c.shown != nil {
				row = append(row, c.shown(item, now))
			} else {
				row = append(row, cell{text: dash(c.plain(item))})
			}
		}
		rows = append(rows, row)
	}
	return heads, rows
}

func byText[T any](f func(T) string) func(a, b T) bool {
	return func(a, b T) bool { return f(a) < f(b) }
}

// list is a repeated flag whose values may also be joined by commas.
func list(c *cli.Context, name string) []string {
	var all []string
	for _, v := range c.StringSlice(name) {
		all = append(all, strings.Split(v, ",")...)
	}
	return all
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
