package observe

import (
	"io"
	"strconv"
	"strings"
)

// ContentType is that of WriteText's form, version 0.0.4 of Prometheus's text
// exposition.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// WriteText writes families for Prometheus. A family without a series is left
// out.
func WriteText(w io.Writer, families []Family) error {
	var b []byte
	for i := range families {
		b = appendFamily(b, &families[i])
		if len(b) >= 64<<10 {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	_, err := w.Write(b)
	return err
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func appendFamily(b []byte, f *Family) []byte {
	if len(f.Series) == 0 {
		return b
	}
	b = append(append(append(b, "# HELP "...), f.Name...), ' ')
	b = append(append(b, helpEscapes.Replace(f.Help)...), '\n')
	b = append(append(append(b, "# TYPE "...), f.Name...), ' ')
	b = append(append(b, f.Type...), '\n')
	for i := range f.Series {
		if s := &f.Series[i]; f.Type == Histogram {
			b = appendTimes(b, f.Name, s)
		} else {
			b = appendLine(b, f.Name, "", s.Labels, s.Value)
		}
	}
	return b
}

// appendTimes writes the buckets, each with all below it.
func appendTimes(b []byte, name string, s *Series) []byte {
	var all uint64
	for i, n := range s.Times.Counts {
		all += n
		bound := "+Inf"
		if i < len(s.Times.Bounds) {
			bound = number(s.Times.Bounds[i])
		}
		labels := append(s.Labels[:len(s.Labels):len(s.Labels)], Label{"le", bound})
		b = appendLine(b, name, "_bucket", labels, float64(all))
	}
	b = appendLine(b, name, "_sum", s.Labels, s.Times.Sum)
	return appendLine(b, name, "_count", s.Labels, float64(all))
}

func appendLine(b []byte, name, suffix string, labels []Label, v float64) []byte {
	b = append(append(b, name...), suffix...)
	for i, l := range labels {
		b = append(b, "{,"[min(i, 1)])
		b = append(append(b, l.Name...), `="`...)
		b = append(append(b, labelEscapes.Replace(strings.ToValidUTF8(l.Value, "\uFFFD"))...), '"')
	}
	if len(labels) > 0 {
		b = append(b, '}')
	}
	return append(append(append(b, ' '), number(v)...), '\n')
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
