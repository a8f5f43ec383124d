"""Looks whether span_marker loads a folder that `spanloom train` wrote, and finds the same in it.

    python tests/parity/trained_span_marker.py FOLDER [FILE.conll]

Loads FOLDER with SpanMarkerModel (a weight that is missing or left over is an error, but for the pooler, which nothing
reads), predicts in the words of FILE (by default tests/data/train/dev.conll), and compares entities and scores with what
`spanloom tag --model FOLDER` says; the program is $SPANLOOM, by default target/debug/spanloom. The library reads the kind of
the encoder and its tokenizer from the folder that encoder._name_or_path of config.json names.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from span_marker import SpanMarkerModel
from transformers.utils import logging

ROOT = Path(__file__).resolve().parents[2]


def sentences(path):
    words = []
    for line in path.read_text().splitlines() + [""]:
        if line.strip():
            words.append(line.split()[0])
        elif words:
            yield words
            words = []


def main():
    logging.set_verbosity_error()
    folder = sys.argv[1]
    corpus = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "tests/data/train/dev.conll"
    program = os.environ.get("SPANLOOM", str(ROOT / "target/debug/spanloom"))
    # The class gives no report of loading: it is asked for the names that it has and those in the file.
    from safetensors import safe_open
    with safe_open(f"{folder}/model.safetensors", "pt") as file:
        saved = set(file.keys())
    model = SpanMarkerModel.from_pretrained(folder)
    known = {name for name in model.state_dict() if "pooler" not in name}
    assert known == {name for name in saved if "pooler" not in name}, known ^ saved
    command = [program, "tag", "--model", folder, "--input-format", "conll", "--format", "jsonl", "-q", str(corpus)]
    told = [json.loads(line) for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()]
    given = list(sentences(corpus))
    worst, mentions = 0.0, 0
    for words, document, expected in zip(given, told, model.predict(given), strict=True):
        starts, at = [], 0
        for word in words:
            starts.append(at)
            at += len(word) + 1
        ends = [start + len(word) for start, word in zip(starts, words)]
        found = [(starts.index(e["start"]), ends.index(e["end"]) + 1, e["label"]) for e in document["entities"]]
        right = [(e["word_start_index"], e["word_end_index"], e["label"]) for e in expected]
        assert found == right, (words, found, right)
        scores = [abs(e["score"] - other["score"]) for e, other in zip(document["entities"], expected)]
        worst, mentions = max([worst, *scores]), mentions + len(found)
    assert mentions, "nothing is found: the model has learnt too little to be compared"
    assert worst < 2e-4, worst
    print(f"{mentions} entities in {len(told)} sentences, scores at most {worst:.1e} apart")


if __name__ == "__main__":
    main()
