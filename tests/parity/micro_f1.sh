#!/usr/bin/env bash
# Micro-F1 by seqeval of the pure model and of the default engine, as the README's table has it.
#   tests/parity/micro_f1.sh [dev|test]      default: test
# Needs the corpora (SPANLOOM_DATA, default ../shared/data) and a Python with tests/parity/requirements.txt
# (PYTHON, default python3). Builds the program first. On UNER only PER, LOC and ORG are scored.
set -euo pipefail
cd "$(dirname "$0")/../.."
part=${1:-test}
data=${SPANLOOM_DATA:-../shared/data}
python=${PYTHON:-python3}
case "$part" in
  test) wnut=emerging.test.annotated ;;
  dev) wnut=emerging.dev.conll ;;
  *) echo "unknown part '$part', expected dev or test" >&2; exit 2 ;;
esac
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cargo build --release --quiet
map=person=PER,location=LOC,group=ORG,corporation=ORG,product=MISC,creative-work=MISC
printf '%-10s %-10s %s\n' corpus system micro-f1
for corpus in wnut uner; do
  if [ $corpus = wnut ]; then
    gold=$data/wnut17/$wnut; options=(--map $map)
  else
    gold=$data/uner_en_ewt/en_ewt-ud-$part.iob2; options=(--drop MISC)
  fi
  for system in model hybrid; do
    engine=(--engine spanloom.toml)
    [ $system = model ] && engine=(--model models/en)
    target/release/spanloom tag --quiet "${engine[@]}" --input-format conll --format conll \
      -o "$out/$corpus-$system.conll" "$gold"
    f1=$("$python" tests/parity/score_seqeval.py "$gold" "$out/$corpus-$system.conll" "${options[@]}" |
      tail -n 1 | cut -d' ' -f2)
    printf '%-10s %-10s %s\n' $corpus $system "$f1"
  done
done
