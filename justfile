# `just` lists the recipes. Each is plain shell, so .ci/run does without just.

fuzztime := env("FUZZTIME", "30s")
count := env("COUNT", "6")

[private]
default:
    @just --list --unsorted

# build the static binary: .bin/liminal
build:
    CGO_ENABLED=0 go build -trimpath -o .bin/liminal ./cli/liminal

# list what the binary is made of: every module with its version and sum, as JSON
sbom: build
    go version -m -json .bin/liminal

# build twice in two places, and compare byte for byte
repro:
    .ci/repro

# write the manual page into DIR (.bin/man)
man dir=".bin/man":
    mkdir -p '{{ dir }}'
    go run ./cli/liminal man > '{{ dir }}/liminal.1'

# run all tests, as the README says
test:
    go test ./...

# run all tests under the race detector, in random order
race:
    go test -race -shuffle=on ./...

# try every fault as often as was promised, and print the times: six minutes
faults:
    LIMINAL_TEST_LONG=1 go test -v -timeout 20m ./internal/testnet

# simulate SEEDS (2000) worlds of whole nodes; LIMINAL_TEST_SEED=N replays one
sim seeds="2000":
    LIMINAL_TEST_SEEDS='{{ seeds }}' go test -v -timeout 20m -run '^TestSimulation$' ./node | grep -vE '^ *(=== RUN|--- PASS)'

# plant every defect that is known and see the tests catch it: about five minutes
museum:
    LIMINAL_TEST_MUSEUM=1 go test -v -run '^TestMuseum$' -timeout 30m ./internal/museum

# run each fuzz target for FUZZTIME seconds (30s)
fuzz:
    .ci/fuzz {{ fuzztime }}

# churn, traffic and flaps, then the laws and what grew: [MINUTES] (10) [--json]
soak *args:
    .ci/soak {{ args }}

# gofmt, vet, staticcheck (obeyed); govulncheck (reported)
lint:
    .ci/lint
    .ci/vuln

# rewrite the golden files; read the diff before you commit it
golden:
    #!/usr/bin/env bash
    set -euo pipefail
    grep -rlE --include='*_test.go' 'flag\.Bool(Var)?\(.*"update"' . | sed 's|/[^/]*$||' | sort -u | while read -r dir; do
        go test "$dir" -update
    done
    git --no-pager diff --stat

# run the benchmarks COUNT (6) times, ready for benchstat
bench:
    go test -run '^$' -bench . -benchmem -count {{ count }} ./...

# what a message, a join and a minute at rest cost, against the table of counts
gate:
    .ci/gate

# build for linux and darwin, amd64 and arm64
cross:
    .ci/cross

# everything a commit must pass
check: lint cross test race
    .ci/fuzz 5
