"""Looks whether transformers loads a folder that `spanloom train` wrote, and finds the same in it.

    python tests/parity/trained_model.py FOLDER [FILE.conll]

Loads FOLDER as a token classifier (a weight that is missing or left over is an error), tags the words of FILE (by default
tests/data/train/dev.conll) by the first sub-word of each, and compares tags and the probabilities of the mentions with
what `spanloom tag --model FOLDER` says; the program is $SPANLOOM, by default target/debug/spanloom.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

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
    folder = sys.argv[1]
    corpus = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "tests/data/train/dev.conll"
    program = os.environ.get("SPANLOOM", str(ROOT / "target/debug/spanloom"))
    model, report = AutoModelForTokenClassification.from_pretrained(folder, output_loading_info=True, dtype=torch.float32)
    wrong = {key: names for key, names in report.items() if names}
    assert not wrong, wrong
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model.eval()
    names = model.config.id2label
    label_of = {i: name.split("-", 1)[1] for i, name in names.items() if "-" in name}

    command = [program, "tag", "--model", folder, "--input-format", "conll", "--format", "jsonl", "-q", str(corpus)]
    told = [json.loads(line) for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()]
    worst, mentions = 0.0, 0
    for words, document in zip(sentences(corpus), told, strict=True):
        encoded = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            probabilities = model(**encoded).logits[0].softmax(-1)
        ids = encoded.word_ids()
        rows = [probabilities[ids.index(word)] for word in range(len(words))]
        starts, at = [], 0
        for word in words:
            starts.append(at)
            at += len(word) + 1
        for entity in document["entities"]:
            covered = [i for i, s in enumerate(starts) if s >= entity["start"] and s < entity["end"]]
            of_label = [i for i, label in label_of.items() if label == entity["label"]]
            expected = sum(float(rows[i][of_label].sum()) for i in covered) / len(covered)
            worst = max(worst, abs(expected - entity["score"]))
            mentions += 1
        tags = [names[int(row.argmax())] for row in rows]
        inside = {i for e in document["entities"] for i, s in enumerate(starts) if e["start"] <= s < e["end"]}
        assert {i for i, tag in enumerate(tags) if tag != "O"} == inside, (words, tags, document["entities"])
    assert worst < 2e-4, worst
    print(f"{mentions} mentions in {len(told)} sentences, scores at most {worst:.1e} apart")


if __name__ == "__main__":
    main()
