#!/bin/sh
# Spanloom, spaCy and Presidio with the same thousand rules over the same text, as one table.
#
#   benches/peers/rules.sh [FOLDER]
#
# Needs Python with benches/peers/requirements.txt (PYTHON names it). Rules, text and numbers are kept in
# FOLDER; everything runs on one core.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:-$(mktemp -d)}
mkdir -p "$out"
out=$(cd "$out" && pwd)
one_core() { if command -v taskset >/dev/null; then taskset -c 1 "$@"; else "$@"; fi; }
cd "$root"
cargo bench --bench rules --no-run
SPANLOOM_BENCH_OUT="$out" one_core cargo bench --bench rules
one_core "${PYTHON:-python3}" benches/peers/rules.py "$out"
