package cli

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/liminal-bus/liminal/internal/certs"
)

// nextStep is what to type to start one node.
type nextStep struct {
	Start string `json:"start"` // a liminal node
	Erl   string `json:"erl"`   // or an Erlang node
}

// firstPort is where a node of another machine is advised to listen: a port that
// its peers know beforehand, so that no epmd is needed there.
const firstPort = 9100

// nextSteps are the command lines for a shell. The first node of each form of
// names is the seed of the others.
func nextSteps(done certs.Result) []nextStep {
	var all []nextStep
	apart := networked(done.Nodes)
	seeds, ports := map[bool]string{}, map[string]int{}
	for _, n := range done.Nodes {
		words := []string{"liminal", "node", "start", "--name", ownName(n.Name)}
		address := ownName(n.Name)
		if host := hostPart(n.Name); apart && !isLoopbackHost(host) {
			port := strconv.Itoa(firstPort + ports[host])
			ports[host]++
			words = append(words, "--listen", ":"+port)
			address = nameOf(n.Name) + "@" + net.JoinHostPort(host, port)
		}
		if seed := seeds[isLongName(n.Name)]; seed != "" {
			words = append(words, "--seed", seed)
		} else {
			seeds[isLongName(n.Name)] = address
		}
		words = append(words, "--tls-cert", n.Cert, "--tls-key", n.Key, "--tls-ca", done.CA.Cert)
		all = append(all, nextStep{typedWords(words), erlLine(n)})
	}
	return all
}

// erlLine: erl wants to be told which form a name has, and what its host is.
func erlLine(n certs.Node) string {
	form, carrier := "-sname", "inet_tls"
	if isLongName(n.Name) {
		form = "-name"
	}
	if strings.Contains(hostPart(n.Name), ":") {
		carrier = "inet6_tls"
	}
	return typedWords([]string{"erl", form, ownName(n.Name), "-proto_dist", carrier, "-ssl_dist_optfile", n.OptFile})
}

// ownName leaves out the host of a short name of this machine.
func ownName(name string) string {
	if hostPart(name) == shortHost() {
		return nameOf(name)
	}
	return name
}

func isLongName(name string) bool { return strings.ContainsAny(hostPart(name), ".:") }

// mixedForms reports names of both forms.
func mixedForms(nodes []certs.Node) bool {
	return slices.ContainsFunc(nodes, func(n certs.Node) bool { return isLongName(n.Name) != isLongName(nodes[0].Name) })
}

// networked reports a node that may run on another machine than this one.
func networked(nodes []certs.Node) bool {
	return slices.ContainsFunc(nodes, func(n certs.Node) bool {
		host := hostPart(n.Name)
		return host != shortHost() && !isLoopbackHost(host)
	})
}

func isLoopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
