package tui

import (
	"math"
	"strings"
	"time"
)

var (
	sparkBars  = []rune("▁▂▃▄▅▆▇█")
	sparkASCII = []rune("_.-=#")
)

// sparkRange is the least ratio of values that fills a cell from bottom to
// top: what moves less than that stays low, so that a steady line looks steady.
const sparkRange = 16

// spark draws one cell a value, the newest at the right. A negative value is a
// gap, and so is what the values do not reach back to. The scale is logarithmic
// from the row's own least value: twice as much is two steps up, whatever the
// size. The line takes exactly that many columns.
func spark(values []float64, cells int, ascii bool) string {
	if cells <= 0 {
		return ""
	}
	bars := sparkBars
	if ascii {
		bars = sparkASCII
	}
	values = values[max(0, len(values)-cells):]
	low, high := span(values)
	bottom := math.Log(low)
	scale := max(math.Log(high)-bottom, math.Log(sparkRange))
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", cells-len(values)))
	for _, v := range values {
		switch {
		case !(v >= 0): // NaN too
			b.WriteByte(' ')
		case v <= low:
			b.WriteRune(bars[0])
		default:
			top := float64(len(bars) - 1)
			b.WriteRune(bars[int(min(math.Round((math.Log(v)-bottom)/scale*top), top))])
		}
	}
	return b.String()
}

// span gives the least and the greatest of the finite values above 0.
func span(values []float64) (low, high float64) {
	low = math.MaxFloat64
	for _, v := range values {
		if v > 0 && v <= math.MaxFloat64 {
			low, high = min(low, v), max(high, v)
		}
	}
	return low, max(low, high)
}

const (
	historyBucket  = 5 * time.Second
	historyBuckets = 60 // 5 min
	historyCarry   = 6  // buckets that a slow poll may leave out
)

// Marks in a history beside values, which are never negative.
const (
	histUnknown = -2 // nobody looked
	histGap     = -1 // not connected
)

// history is the last 5 min of one number, in buckets of 5 s. The zero value
// knows nothing. It holds no pointer: copies are apart.
type history struct {
	ring [historyBuckets]float32
	last int64 // number of the newest bucket since 1970
	any  bool
}

// add notes a value of at least 0. A bucket keeps its greatest.
func (h *history) add(now time.Time, v float64) {
	if !(v >= 0) {
		h.gap(now)
		return
	}
	at := h.advance(now)
	*at = max(*at, float32(v))
}

// gap notes that there is nothing to measure. Values of its bucket go, so that
// a short absence is seen; one that comes after it stands again.
func (h *history) gap(now time.Time) { *h.advance(now) = histGap }

// advance gives the bucket of now. One that passed without a word keeps what was
// known if that is not long ago. A clock set back writes to the newest.
func (h *history) advance(now time.Time) *float32 {
	n := now.UnixNano() / int64(historyBucket)
	if !h.any || n-h.last > historyBuckets {
		*h = history{any: true, last: n}
		for i := range h.ring {
			h.ring[i] = histUnknown
		}
	}
	carry := h.ring[slot(h.last)]
	if n-h.last > historyCarry {
		carry = histUnknown
	}
	for h.last < n {
		h.last++
		h.ring[slot(h.last)] = histUnknown
		if h.last < n {
			h.ring[slot(h.last)] = carry
		}
	}
	return &h.ring[slot(h.last)]
}

func slot(bucket int64) int64 { return ((bucket % historyBuckets) + historyBuckets) % historyBuckets }

// cells gives the history in n values, the newest last, negative where nothing
// is known or was not connected. Cells stand on the clock: a cell changes only
// while it is the newest, and all move on together.
func (h *history) cells(n int) []float64 {
	return h.appendCells(nil, n)
}

// appendCells appends what cells gives to dst.
func (h *history) appendCells(dst []float64, n int) []float64 {
	if n <= 0 {
		return dst
	}
	per := int64((historyBuckets + n - 1) / n)
	newest := floorDiv(h.last, per)
	for cell := newest - int64(n) + 1; cell <= newest; cell++ {
		dst = append(dst, h.cell(cell*per, min((cell+1)*per-1, h.last), cell == newest))
	}
	return dst
}

// cell sums up the buckets from first to last: their greatest value, or a gap if
// there was one. The newest cell tells how it is now.
func (h *history) cell(first, last int64, newest bool) float64 {
	v := float32(histUnknown)
	for n := last; n >= first && n > h.last-historyBuckets && h.any; n-- {
		b := h.ring[slot(n)]
		if b == histGap {
			if newest && v >= 0 {
				break
			}
			return histGap
		}
		v = max(v, b)
	}
	return float64(v)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
