package soak

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// point is one measured value.
type point struct {
	at    time.Duration
	value float64
}

// slope is the rise an hour of the line that fits the points best.
func slope(points []point) float64 {
	n := float64(len(points))
	var sx, sy, sxx, sxy float64
	for _, p := range points {
		x := p.at.Hours()
		sx, sy, sxx, sxy = sx+x, sy+p.value, sxx+x*x, sxy+x*p.value
	}
	d := n*sxx - sx*sx
	if d <= 0 {
		return 0
	}
	return (n*sxy - sx*sy) / d
}

// blocks are the parts of a run whose means are taken for independent values:
// what a collector has not yet given back hangs on for some seconds.
const blocks = 10

// spread is the standard error of slope, by the means of blocks.
func spread(points []point) float64 {
	if len(points) < 3*blocks {
		return 0
	}
	first, last := points[0].at, points[len(points)-1].at
	var of []point
	for i, v := range means(points, blocks) {
		of = append(of, point{first + (last-first)*time.Duration(2*i+1)/(2*blocks), v})
	}
	rise, mx, my := slope(of), 0.0, 0.0
	for _, p := range of {
		mx, my = mx+p.at.Hours()/blocks, my+p.value/blocks
	}
	var sxx, rest float64
	for _, p := range of {
		x := p.at.Hours() - mx
		sxx, rest = sxx+x*x, rest+math.Pow(p.value-my-rise*x, 2)
	}
	return math.Sqrt(rest / (blocks - 2) / sxx)
}

const mib = 1 << 20

// ceiling is the steepest slope, in bytes an hour, that is let pass for a window:
// what a collector's mood can do in minutes is forgiven, and in hours not.
func ceiling(window time.Duration) float64 {
	return max(1, 4/window.Hours()) * mib
}

// judged is the shortest window whose slope means anything.
const judged = 2 * time.Minute

func TestSlope(t *testing.T) {
	var points []point
	for i := range 100 {
		points = append(points, point{time.Duration(i) * time.Minute, 7 + 3*float64(i)/60 + math.Mod(float64(i), 2)})
	}
	if got := slope(points); math.Abs(got-3) > 0.05 {
		t.Errorf("slope %v, want 3", got)
	}
	if got := slope(points[:1]); got != 0 {
		t.Errorf("slope of one point %v", got)
	}
	if got := spread(points); got > 0.3 || got == 0 {
		t.Errorf("spread %v of a line with a ripple of 1 in 1.6 hours", got)
	}
	if got := spread(points[:10]); got != 0 {
		t.Errorf("spread of few points %v", got)
	}
	if c := ceiling(10 * time.Hour); c != mib {
		t.Errorf("%v an hour in ten", c)
	}
	if c := ceiling(10 * time.Minute); math.Abs(c-24*mib) > 1 {
		t.Errorf("%v an hour in ten minutes", c)
	}
}

// plot draws points as a picture of so many columns and rows, with the values
// of its upper and lower edge.
func plot(points []point, wide, high int) []string {
	if len(points) == 0 {
		return nil
	}
	columns := means(points, wide)
	low, top := slices.Min(columns), slices.Max(columns)
	rows := make([][]rune, high)
	for r := range rows {
		rows[r] = []rune(strings.Repeat(" ", len(columns)))
	}
	const eighths = " ▁▂▃▄▅▆▇█"
	blocks := []rune(eighths)
	for x, v := range columns {
		filled := 1 // so that the lowest shows
		if top > low {
			filled = 1 + int(math.Round((v-low)/(top-low)*float64(8*high-1)))
		}
		for r := range rows {
			rows[high-1-r][x] = blocks[min(8, max(0, filled-8*r))]
		}
	}
	lines := make([]string, high)
	for r := range rows {
		lines[r] = string(rows[r])
	}
	return lines
}

// means are the mean values of as many equal spans of time; an empty one repeats
// the one before.
func means(points []point, wide int) []float64 {
	first, last := points[0].at, points[len(points)-1].at
	sums, counts := make([]float64, wide), make([]int, wide)
	for _, p := range points {
		x := 0
		if last > first {
			x = min(wide-1, int(float64(p.at-first)/float64(last-first)*float64(wide)))
		}
		sums[x] += p.value
		counts[x]++
	}
	for x := range sums {
		switch {
		case counts[x] > 0:
			sums[x] /= float64(counts[x])
		case x > 0:
			sums[x] = sums[x-1]
		}
	}
	return sums
}

func TestPlot(t *testing.T) {
	var points []point
	for i := range 16 {
		points = append(points, point{time.Duration(i) * time.Second, float64(i)})
	}
	got := strings.Join(plot(points, 4, 2), "|")
	if want := "  ▃█|▁▆██"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if flat := strings.Join(plot(points[:1], 3, 1), ""); flat != "▁▁▁" {
		t.Errorf("flat: %q", flat)
	}
}
