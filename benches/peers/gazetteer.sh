#!/bin/sh
# Spanloom, aho-corasick, daachorse and spaCy on the same names and text, as one table.
#
#   benches/peers/gazetteer.sh [FOLDER]
#
# Needs Python with benches/peers/requirements.txt (PYTHON names it). Names, text and numbers are kept in
# FOLDER; everything runs on one core, and takes about 6 GB of memory and ten minutes. spaCy runs with 100,000 names
# only: 5,000,000 outgrow 24 GB there.
set -eu
. "$(dirname "$0")/compare.sh"
compare gazetteer "${1:-}"
