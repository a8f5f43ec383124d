"""Makes tests/data/gliner/losses.json: the losses and gradients of the library on the models of gliner_models.py.

    python tests/parity/gliner_losses.py

For each folder and each way to count a list of {"options", "loss", "norm"}: the sum over all pairs of a batch of SENTENCES,
asked for LABELS, without dropout, and the norm of the gradients of all weights together. "sentences" are the words and
entities, the last word inside.

    python tests/parity/gliner_losses.py FOLDER

says instead whether the library reads a folder that `spanloom train` wrote, and finds what `spanloom tag` finds there, with
the same scores; needs `cargo build`.
"""

import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch

from gliner import GLiNER

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "gliner"
NAMES = ["marker-bert", "span-bert", "span-deberta", "token-deberta"]
LABELS = ["PER", "LOC", "ORG"]
SENTENCES = [
    ("Anna Keller lives in Lisbon .".split(), [[0, 1, "PER"], [4, 4, "LOC"]]),
    ("Northwind hired Bob in New York".split(), [[0, 0, "ORG"], [2, 2, "PER"], [4, 5, "LOC"]]),
    ("nobody knows why".split(), []),
]
OPTIONS = [{}, {"alpha": 0.75, "gamma": 2.0}, {"label_smoothing": 0.1}]


def batch_of(model):
    collator = model.data_collator_class(model.config, data_processor=model.data_processor, prepare_labels=True)
    return collator([{"tokenized_text": words, "ner": ner, "ner_labels": LABELS} for words, ner in SENTENCES])


def losses(name):
    model = GLiNER.from_pretrained(str(DATA / name), local_files_only=True).eval()
    found = []
    for options in OPTIONS:
        model.zero_grad()
        loss = model.model(**batch_of(model), **options).loss
        loss.backward()
        squares = [parameter.grad.square().sum() for parameter in model.model.parameters() if parameter.grad is not None]
        found.append({"options": options, "loss": loss.item(), "norm": torch.stack(squares).sum().sqrt().item()})
    return found


def compare(folder):
    model = GLiNER.from_pretrained(folder, local_files_only=True).eval()
    texts = [" ".join(words) for words, _ in SENTENCES] + ["Anna lives in Oslo.", "The mayor of Bern met John Smith in Lagos."]
    compared = 0
    with tempfile.TemporaryDirectory() as scratch:
        for number, text in enumerate(texts):
            (Path(scratch) / f"{number}.txt").write_text(text)
        run = [ROOT / "target/debug/spanloom", "tag", "--model", folder, "--labels", ",".join(LABELS), scratch]
        lines = subprocess.run(run, check=True, capture_output=True, text=True).stdout.splitlines()
    for text, line in zip(texts, lines, strict=True):
        ours = [(e["start"], e["end"], e["label"], e["score"]) for e in json.loads(line)["entities"]]
        theirs = [(e["start"], e["end"], e["label"], e["score"]) for e in model.predict_entities(text, LABELS)]
        assert [e[:3] for e in ours] == [e[:3] for e in theirs], (text, ours, theirs)
        assert all(abs(a[3] - b[3]) < 1e-4 for a, b in zip(ours, theirs)), (text, ours, theirs)
        compared += len(ours)
    assert compared, "nothing is found: nothing is compared"
    print(f"{folder}: gliner reads it and finds the same {compared} entities, scores within 1e-4")


def main():
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        return compare(sys.argv[1])
    written = {"labels": LABELS, "sentences": SENTENCES, **{name: losses(name) for name in NAMES}}
    (DATA / "losses.json").write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
