package cli

const certsPage = `Mutual TLS:

Each node shows a certificate, and takes only peers whose certificate was signed by the same CA
and is for the host of their name. liminal tls init makes them, in --dir:

  ca.pem               the certificate of the CA: every node needs it (--tls-ca)
  ca.key               its key: whoever has it can make nodes. Keep it where tls init runs
  NAME@HOST.pem        the certificate of one node, for that HOST and no other (--tls-cert)
  NAME@HOST.key        its key, for that node alone (--tls-key)
  NAME@HOST.inet_tls.conf  all three told to Erlang, for erl -ssl_dist_optfile. It has the paths of
                       the machine where it was made

What is there stays, so more nodes come by naming them later; --force makes a new certificate and
key for a node that has one, by the same CA. kill -HUP makes a liminal node take it up.

To another machine go ca.pem and the .pem and .key of the node that runs there.
A certificate is good for 825 days at most, the CA for ten years. liminal tls show says until when
all are good, and exits 1 once one is good no longer; a node warns in its log and in status from
14 days before the end of its own. liminal config check says whether the files of the settings
can be used.

The cookie is still asked for, inside TLS, and epmd still answers in the clear.
`
