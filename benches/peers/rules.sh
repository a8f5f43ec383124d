#!/bin/sh
# Spanloom, spaCy and Presidio with the same thousand rules over the same text, as one table.
#
#   benches/peers/rules.sh [FOLDER]
#
# Needs Python with benches/peers/requirements.txt (PYTHON names it). Rules, text and numbers are kept in
# FOLDER; everything runs on one core.
set -eu
. "$(dirname "$0")/compare.sh"
compare rules "${1:-}"
