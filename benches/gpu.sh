#!/usr/bin/env bash
# Models on a GPU beside their peers: checks that CUDA finds the entities that the processor finds, then times the encoder and the
# whole program beside PyTorch and the pipeline of transformers, as Markdown for benches/RESULTS.md. See benches/peers/gpu.py.
#
#   benches/gpu.sh [FOLDER]
#
# FOLDER keeps the models with random weights (BERT-large is 1.3 GB); without it they are made anew in a temporary one.
#
# | variable | default | |
# |---|---|---|
# | DEVICE | cuda:0 | `cpu` runs everything small, to try the script |
# | FEATURES | cuda | `flash-attn` for attention by FlashAttention |
# | SPANLOOM, SPANLOOM_BENCH | built here | the program, and the compiled bench `device` |
# | SPANLOOM_DATA | ../shared/data | the corpora; see tests/parity/common.py |
# | PYTHON | python3 | with torch, transformers, safetensors, and gguf where models/en is checked against transformers |
# | SHAPES | minilm-l6 bert-base bert-large | what is timed |
# | PRECISIONS | f32 bf16 f16 | of ours |
# | TOKENS | 16384 65536 | sub-words in a batch, padding included; all are tried, the fastest is shown |
# | SECONDS_EACH | 10 | how long a system runs |
# | COMPILE | 0 | 1 times `torch.compile` too |
set -euo pipefail
export DEVICE=${DEVICE:-cuda:0}
[ $# -eq 0 ] || { mkdir -p "$1"; set -- "$(cd "$1" && pwd)"; }
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
features=(--features "${FEATURES:-cuda}")
if [ "$DEVICE" = cpu ]; then
    features=()
elif ! "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    echo "no CUDA device is found by PyTorch; DEVICE=cpu tries the script without one" >&2
    exit 1
fi
# Built by cargo's own account of what it made, so that CARGO_TARGET_DIR may be anything.
built() {
    cargo "$@" --message-format=json "${features[@]}" |
        "$python" -c 'import json, sys
made = [json.loads(line) for line in sys.stdin if line.startswith("{")]
print([one["executable"] for one in made if one.get("executable")][-1])'
}
: "${SPANLOOM:=$(built build --release --bin spanloom)}"
: "${SPANLOOM_BENCH:=$(built bench --bench device --no-run)}"
export SPANLOOM SPANLOOM_BENCH
exec "$python" benches/peers/gpu.py "$@"
