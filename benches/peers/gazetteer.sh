#!/bin/sh
# Spanloom, aho-corasick, daachorse and spaCy on the same names and text, as one table.
#
#   benches/peers/gazetteer.sh [FOLDER]
#
# Needs Python with benches/peers/requirements.txt (PYTHON names it). Names, text and numbers are kept in
# FOLDER; everything runs on one core, and takes about 6 GB of memory and ten minutes. spaCy runs with 100,000 names
# only: 5,000,000 outgrow 24 GB there.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:-$(mktemp -d)}
mkdir -p "$out"
out=$(cd "$out" && pwd)
one_core() { if command -v taskset >/dev/null; then taskset -c 1 "$@"; else "$@"; fi; }
cd "$root"
cargo bench --bench gazetteer --no-run
SPANLOOM_BENCH_OUT="$out" one_core cargo bench --bench gazetteer
one_core "${PYTHON:-python3}" benches/peers/gazetteer.py "$out"
