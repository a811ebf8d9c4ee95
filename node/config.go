package node

import (
	"context"
	"log/slog"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/pg"
)

// Cookie is the cluster's shared secret. It has no form that prints: every
// formatting, marshalling and logging verb gives [redacted].
type Cookie = dist.Cookie

// NewCookie makes a Cookie of its text.
func NewCookie(text string) Cookie { return dist.NewCookie(text) }

// EPMDMode says how a node deals with the local epmd.
type EPMDMode string

// The modes of Config.EPMD.
const (
	EPMDAuto    EPMDMode = "auto"    // register whenever one answers
	EPMDRequire EPMDMode = "require" // Start fails with ErrNoEPMD when none answers
	EPMDOff     EPMDMode = "off"     // neither register nor ask
)

// Config is what a node needs to start. The zero value of each field but Name
// and Cookie is a usable default.
type Config struct {
	Name      string   // NAME or NAME@HOST; without a host, this machine's short name
	Listen    string   // [HOST]:PORT; "" is "localhost:0"
	Advertise string   // HOST or HOST:PORT that peers are told to dial; "" is the listener
	Cookie    Cookie   // required; what this node dials with
	Accept    []Cookie // taken as well, and tried where Cookie is refused; MaxCookies in all
	Seeds     []string // addresses as in ParseAddress: b, b@host, b@host:9100, host:9100
	Hidden    bool     // Erlang peers do not list us in nodes()
	EPMD      EPMDMode // "" is auto
	EPMDPort  int      // 0 is 4369
	NoMesh    bool     // dial seeds only, not the peers that peers tell of
	Scope     string   // OTP pg scope whose groups are the channels; "" is "pg"
	TLS       *TLS     // every link is under mutual TLS; nil: none is. See LoadTLS

	Poll            time.Duration // how often membership is compared; 0 is 250 ms
	Tick            time.Duration // net tick time; 0 is 60 s
	DialTimeout     time.Duration // resolving and connecting; 0 is 5 s
	RetryMax        time.Duration // longest pause between dials; 0 is 5 s
	ForgetAfter     time.Duration // how long a peer that is not up stays listed; 0 is 10 min
	JoinTimeout     time.Duration // how long Start tries its seeds; 0 is 10 s, negative tries each once
	RetryJoin       bool          // Start never gives up on its seeds
	Probe           time.Duration // between two probes of a peer; 0 is 1 s
	ProbeTimeout    time.Duration // silence after which a liminal peer is down; 0 is 3 s
	OTPProbeTimeout time.Duration // the same for other peers; 0 leaves it to the tick rule
	Drain           time.Duration // time to flush and say goodbye in Close; 0 is 5 s

	MaxMessage int // bytes of the longest payload published or taken; 0 is 1 MiB, at most 64 MiB
	Queue      int // messages kept for a slow subscriber; 0 is 262,144, and never more than 64 MiB of them

	Logger *slog.Logger // nil discards

	// Local finds the listener of a node on this machine by the part of its
	// name before the @, so that such nodes need no epmd. nil finds none.
	Local func(ctx context.Context, name string) (addr string, ok bool)
	// Listening is called once the listener is up, before the first seed is
	// dialled. nil is no call.
	Listening func(*Node)
	// NoNudge turns off early polls. It changes no result, only latency.
	NoNudge bool

	look        bool      // it only looks, see Look
	scopeLimits pg.Limits // of one peer; tests set it, all else leaves it zero
	maxPeers    int       // live links, 0 is links.DefaultMaxPeers; tests set it
	seams       seams     // of a simulation
}
