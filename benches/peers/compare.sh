# What the comparisons with peers share; to be sourced by a script beside it.

one_core() { if command -v taskset >/dev/null; then taskset -c 1 "$@"; else "$@"; fi; }

# Runs the bench of this name and then the peers, `benches/peers/NAME.py`, on one core; what the bench writes for
# them is kept in FOLDER: compare NAME FOLDER
compare() {
    out=${2:-$(mktemp -d)}
    mkdir -p "$out"
    out=$(cd "$out" && pwd)
    cd "$(dirname "$0")/../.."
    cargo bench --bench "$1" --no-run
    SPANLOOM_BENCH_OUT="$out" one_core cargo bench --bench "$1"
    one_core "${PYTHON:-python3}" "benches/peers/$1.py" "$out"
}
