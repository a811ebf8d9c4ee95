package control

import "time"

// TLS describes the certificate that a node shows, and whom it trusts.
type TLS struct {
	Names     []string  `json:"names"`      // hosts that the certificate is for
	Issuer    string    `json:"issuer"`     // name of the authority that signed it
	NotBefore time.Time `json:"not_before"` // it is refused before, and
	NotAfter  time.Time `json:"not_after"`  // after
	Cert      string    `json:"cert"`       // its file
	CA        string    `json:"ca"`         // file of the authorities that sign for peers
}
