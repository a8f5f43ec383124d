"""Looks whether Flair reads a folder that `spanloom train` wrote of a tagger of Flair, and finds the same in it.

    python tests/parity/trained_flair.py FOLDER [FILE.conll]

Makes a tagger of FOLDER with tools/export_flair.py, and compares the entities that it predicts for the words of FILE (by default
tests/data/train/dev.conll) with what `spanloom tag --model FOLDER` says; the program is $SPANLOOM, by default
target/debug/spanloom.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

# The folder of this file holds one of the library's name.
sys.path = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).resolve().parent]
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import export_flair  # noqa: E402
from flair.data import Sentence  # noqa: E402


def sentences(path):
    words = []
    for line in path.read_text(encoding="utf-8").splitlines() + [""]:
        if line.strip():
            words.append(line.split()[0])
        elif words:
            yield words
            words = []


def main():
    folder = sys.argv[1]
    corpus = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "tests/data/train/dev.conll"
    program = os.environ.get("SPANLOOM", str(ROOT / "target/debug/spanloom"))
    command = [program, "tag", "--model", folder, "--input-format", "conll", "--format", "jsonl", "-q", str(corpus)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    told = [json.loads(line) for line in output.splitlines()]
    tagger = export_flair.restore(folder)
    compared = 0
    for words, document in zip(sentences(corpus), told, strict=True):
        sentence = Sentence(words)
        tagger.predict(sentence)
        spans = sentence.get_spans(tagger.tag_type)
        expected = sorted((span.start_position, span.end_position, span.get_label(tagger.tag_type).value) for span in spans)
        got = sorted((entity["start"], entity["end"], entity["label"]) for entity in document["entities"])
        assert got == expected, (words, got, expected)
        compared += len(got)
    print(f"{len(told)} sentences, the same {compared} entities")


if __name__ == "__main__":
    main()
