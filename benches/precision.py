"""What a precision other than 32 bits changes: F1 on dev parts and the sentences whose entities differ.

    SPANLOOM=target/release/spanloom SPANLOOM_DATA=../shared/data python benches/precision.py \\
        [MODEL[=LABELS] [PRECISION …]] [--parts PART …]

MODEL (models/en; of one that is asked for labels, with these) runs alone in each precision (int16 and int8) and in f32, over the dev parts of UNER
EWT, WNUT-17, Tweebank and the Broad Twitter Corpus. The table has micro-F1 by exact span and label, as `spanloom eval` gives it, and how many documents (sentences)
have other entities: another span or label; scores may differ. It ends with 1 where F1 moves by 0.1 or more in any.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("SPANLOOM_DATA", ROOT / ".." / "shared" / "data"))
PROGRAM = os.environ.get("SPANLOOM", str(ROOT / "target" / "release" / "spanloom"))
WNUT = "person=PER,location=LOC,group=ORG,corporation=ORG,product=MISC,creative-work=MISC"
PARTS = {
    "UNER EWT": ("uner_en_ewt/en_ewt-ud-dev.iob2", []),
    "WNUT-17": ("wnut17/emerging.dev.conll", ["--map", WNUT]),
    "Tweebank": ("tweebank_ner/dev.bio", []),
    "BTC": ("btc/btc.dev", []),
}


def alone(model, precision):
    """The options that run a model alone."""
    folder, _, labels = model.partition("=")
    asked = ["--labels", labels] if labels else []
    return ["--model", Path(folder).resolve(), *asked, "--precision", precision, "--device", "cpu"]


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def entities(gold, engine):
    lines = run("tag", "-q", "--input-format", "conll", *engine, gold).splitlines()
    return [[(e["start"], e["end"], e["label"]) for e in json.loads(line)["entities"]] for line in lines]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", default=str(ROOT / "models" / "en"))
    parser.add_argument("precisions", nargs="*", default=["int16", "int8"])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    arguments = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"skipped: no corpora at {DATA}; SPANLOOM_DATA names their folder")
    moved = 0.0
    print("| dev part | sentences | precision | F1 | with other entities |\n|---|---|---|---|---|")
    for name in arguments.parts:
        path, options = PARTS[name]
        gold = DATA / path
        exact = None
        for precision in ["f32", *arguments.precisions]:
            engine = alone(arguments.model, precision)
            report = run("eval", gold, "-q", "--input-format", "conll", *engine, "--json", *options)
            score = 100 * json.loads(report)["systems"][0]["micro"]["f1"]
            found = entities(gold, engine)
            exact = exact or (score, found)
            other = sum(a != b for a, b in zip(exact[1], found, strict=True))
            print(f"| {name} | {len(found):,} | {precision} | {score:.2f} | {other} |", flush=True)
            moved = max(moved, abs(score - exact[0]))
    print(f"\nF1 moves by {moved:.2f} at most.")
    sys.exit(moved >= 0.1)


if __name__ == "__main__":
    main()
