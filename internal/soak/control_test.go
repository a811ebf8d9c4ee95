package soak

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// status is what a node says of itself, as far as it is asked.
type status struct {
	Listen, HTTP []string
	Counters     []struct {
		Name  string
		Value uint64
	}
}

// counters are those of a status, by name.
func (s status) counters() map[string]uint64 {
	all := map[string]uint64{}
	for _, c := range s.Counters {
		all[c.Name] = c.Value
	}
	return all
}

// peerRow is one peer.
type peerRow struct {
	Name, State             string
	Generation              uint64
	In, Out, Drops, Written uint64
	Queued, Flaps           int
	Reason                  *string
}

func (p peerRow) up() bool { return p.State == "up" || p.State == "suspect" }

// receipt is the answer to a publication.
type receipt struct {
	Messages, Refused, Dropped uint64
	Peers                      []struct {
		Node, Outcome string
		Sent, Dropped uint64
	}
}

// client speaks on the node's control socket. Nothing is kept alive: an idle
// connection would count among the node's goroutines.
func (p *proc) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", p.r.file("run/"+p.name+".sock"))
		},
	}}
}

// call asks the node and reads the answer into doc.
func (p *proc) call(ctx context.Context, method, path, body string, doc any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	res, err := p.open(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer res.Close()
	if doc == nil {
		_, err = io.Copy(io.Discard, res)
	} else {
		err = json.NewDecoder(res).Decode(doc)
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", p.name, path, err)
	}
	return nil
}

// open asks and gives the body of the answer, which the caller closes.
func (p *proc) open(ctx context.Context, method, path, body string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://node"+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := p.client().Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		res.Body.Close()
		return nil, fmt.Errorf("%s: %s: %s: %s", p.name, path, res.Status, text)
	}
	return res.Body, nil
}

func (p *proc) status() (s status, err error) {
	err = p.call(context.Background(), http.MethodGet, "/v1/status", "", &s)
	return s, err
}

// peers are those listed, by name.
func (p *proc) peers() (map[string]peerRow, error) {
	var doc struct{ Peers []peerRow }
	err := p.call(context.Background(), http.MethodGet, "/v1/peers?brief=true", "", &doc)
	all := map[string]peerRow{}
	for _, row := range doc.Peers {
		all[row.Name] = row
	}
	return all, err
}

// post sends names or addresses.
func (p *proc) post(path, field string, words ...string) error {
	body := "{}"
	if field != "" {
		text, err := json.Marshal(map[string][]string{field: words})
		if err != nil {
			return err
		}
		body = string(text)
	}
	return p.call(context.Background(), http.MethodPost, path, body, nil)
}

// publish sends the lines of body to the channel that all traffic is on.
func (p *proc) publish(body string) (r receipt, err error) {
	err = p.call(context.Background(), http.MethodPost, "/v1/publish?framing=lines&channel="+channel, body, &r)
	return r, err
}

// channel is what all messages are published to.
const channel = "orders"

// received is how many messages came into the channel on this node.
func (p *proc) received() (uint64, error) {
	var doc struct {
		Channels []struct {
			Name string
			In   uint64
		}
	}
	err := p.call(context.Background(), http.MethodGet, "/v1/channels?name="+channel, "", &doc)
	if err == nil && len(doc.Channels) != 1 {
		err = fmt.Errorf("%s: channels: %+v", p.name, doc)
	}
	if err != nil {
		return 0, err
	}
	return doc.Channels[0].In, nil
}

// get asks the node's HTTP server.
func (p *proc) get(path string) (code int, text string, err error) {
	c := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := c.Get("http://" + p.http + path)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// since is rounded for people.
func since(t time.Time) time.Duration { return time.Since(t).Round(10 * time.Millisecond) }
