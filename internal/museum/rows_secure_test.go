package museum

// inSecure: TLS, and the name that a certificate has to stand for.
var inSecure = []defect{
	{
		name: "the certificate of who dialled is for any host", file: "internal/dist/handshake_acceptor.go",
		old:   "\tif err := a.vouched(h.Name); err != nil {",
		new:   "\tif err := a.vouched(h.Name); err != nil && h.Name == \"\" {",
		tests: []string{"TestNameAgainstCertificate"},
	},
	{
		name: "the certificate of whom we dial is for any host", file: "internal/dist/handshake_initiator.go",
		old:   "\tif err := i.vouched(h.Name); err != nil {",
		new:   "\tif err := i.vouched(h.Name); err != nil && h.Name == \"\" {",
		tests: []string{"TestNameAgainstCertificate"},
	},
	{
		name: "the common name counts", file: "internal/secure/verify.go",
		old:   "\tnames := namesOf(cert)\n",
		new:   "\tif cert.Subject.CommonName == host {\n\t\treturn nil\n\t}\n\tnames := namesOf(cert)\n",
		in:    "internal/links",
		tests: []string{"TestBadCertificates"},
	},
	{
		name: "the chain of whom we dial is not looked at", file: "internal/secure/credentials.go",
		old:   "client.VerifyConnection = func(s tls.ConnectionState) error { return c.verify(s.PeerCertificates, roleServer) }",
		new:   "client.VerifyConnection = func(tls.ConnectionState) error { return nil }\n\t_ = roleServer",
		in:    "internal/links",
		tests: []string{"TestBadCertificates"},
	},
	{
		name: "a short key will do", file: "internal/secure/verify.go",
		old:   "minRSA   = 2048",
		new:   "minRSA   = 512",
		in:    "internal/links",
		tests: []string{"TestBadCertificates"},
	},
	{
		name: "the chain is checked where a resumed session is not", file: "internal/secure/credentials.go",
		old: "VerifyConnection:            func(s tls.ConnectionState) error { return c.verify(s.PeerCertificates, roleClient) },",
		new: "VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {\n" +
			"\t\t\tvar chain []*x509.Certificate\n\t\t\tfor _, der := range raw {\n" +
			"\t\t\t\tcert, err := x509.ParseCertificate(der)\n\t\t\t\tif err != nil {\n\t\t\t\t\treturn err\n\t\t\t\t}\n" +
			"\t\t\t\tchain = append(chain, cert)\n\t\t\t}\n\t\t\treturn c.verify(chain, roleClient)\n\t\t},",
		tests: []string{"TestCheckedOncePerConnection"},
	},
	{
		name: "sessions are resumed", file: "internal/secure/credentials.go",
		old:   "SessionTicketsDisabled:      true,",
		new:   "SessionTicketsDisabled:      false,",
		tests: []string{"TestNoTickets"},
	},
	{
		name: "TLS 1.1 will do", file: "internal/secure/credentials.go",
		old:   "MinVersion:                  tls.VersionTLS12,",
		new:   "MinVersion:                  tls.VersionTLS10,",
		tests: []string{"TestOldVersionsAreRefused"},
	},
	{
		name: "a client's certificate will do for a server", file: "internal/secure/verify.go",
		old:   "KeyUsages: []x509.ExtKeyUsage{r.usage},",
		new:   "KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},",
		in:    "internal/links",
		tests: []string{"TestBadCertificates"},
	},
}
