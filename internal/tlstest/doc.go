// Package tlstest makes authorities and certificates for tests, in memory, and
// writes them to files where a test needs some. A Change makes one that is wrong
// in a single way.
package tlstest
