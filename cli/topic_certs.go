package cli

const certsPage = `Mutual TLS:

Each node shows a certificate, and takes only peers whose certificate the same CA has signed
and which are called after a host in it. liminal tls init makes them, in --dir:

  ca.pem               the certificate of the CA: every node needs it
  ca.key               its key: whoever has it can make nodes. Keep it where tls init runs
  NAME@HOST.pem        the certificate of one node, for that HOST and no other
  NAME@HOST.key        its key, for that node alone
  NAME@HOST.inet_tls.conf  all three told to Erlang, for erl -ssl_dist_optfile. It has the paths of
                       the machine where it was made

What is there stays, so more nodes come by naming them later; --force makes a new certificate and
key for a node that has one, by the same CA. liminal tls show says until when all are good.

To another machine go ca.pem and the .pem and .key of the node that runs there. A certificate
is good for 825 days at most, the CA for ten years; tls show exits 1 once one is good no longer.
The cookie is still asked for, inside TLS, and epmd still answers in the clear.
`
