#!/usr/bin/env bash
# Strict span P/R/F1 for location mentions in the tweets of IDRISI-R (English, random split, all events together), dev part: a gazetteer
# of GeoNames alone (its cities as they are; then all the gazetteers of engines/lmr.toml, with what its merge knows), the model alone
# (models/lmr-en; the sign of a hashtag is left out), and both woven together by that engine.
#   tests/parity/idrisi_f1.sh
# Needs the corpora and GeoNames (SPANLOOM_DATA, default ../shared/data) and a Python (PYTHON, default python3). Builds the program
# (or takes SPANLOOM) and compiles the gazetteers to a temporary folder.
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${SPANLOOM_DATA:-../shared/data}
python=${PYTHON:-python3}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
if [ -z "${SPANLOOM:-}" ]; then
  cargo build --release --quiet
  SPANLOOM=target/release/spanloom
fi

# The engine looks for the gazetteers beside it, and for the model and the word lists where the repository has them.
folder=$out/engines
mkdir -p "$folder"
ln -s "$PWD/models" "$PWD/gazetteers" "$out"
cp engines/lmr.toml "$folder"
build() { "$SPANLOOM" gazetteer build --quiet "$@" > /dev/null; }
geonames=$data/gazetteers/geonames
build "$geonames/cities5000.txt" --from geonames -o "$folder/cities.fst"
build "$geonames/countryInfo.txt" --from csv --delimiter tab --quoting no --heading no \
  --columns surface=5,id=17,country=1 --label LOC -o "$folder/countries.fst"
build "$geonames/admin1CodesASCII.txt" --from csv --delimiter tab --quoting no --heading no \
  --columns surface=3,id=4,admin1=1 --label LOC --min-length 3 --numbers skip -o "$folder/admin1.fst"
engine=$folder/lmr.toml

cat "$data"/idrisi_r_en/gold-random-json/*/dev.jsonl > "$out/gold.jsonl"
printf '%s tweets\n' "$(wc -l < "$out/gold.jsonl")"
score() {
  "$SPANLOOM" tag --quiet --id-field tweet_id "${@:2}" -o "$out/found.jsonl" "$out/gold.jsonl"
  printf '%-16s %s\n' "$1" "$("$python" tests/parity/score_spans.py "$out/gold.jsonl" "$out/found.jsonl" ${ERRORS:+--errors "$ERRORS"})"
}
cat > "$folder/cities.toml" <<'END'
labels = ["LOC"]
[[source]]
name = "cities"
kind = "gazetteer"
files = ["cities.fst"]
common-words = ["../gazetteers/common/*.txt"]
[[merge]]
pass = "longest"
END
score cities --engine "$folder/cities.toml"
score gazetteers --engine "$engine" --without tagger
printf '%s\n' 'labels = ["LOC"]' '[[source]]' 'name = "tagger"' 'kind = "model"' 'path = "../models/lmr-en"' \
  '[[merge]]' 'pass = "boundary"' 'trim = "#@"' > "$folder/model.toml"
score model --engine "$folder/model.toml"
score hybrid --engine "$engine"
