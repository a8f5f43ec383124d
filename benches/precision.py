"""What `precision = "int16"` changes: F1 on dev parts and the sentences whose entities differ, beside 32 bits.

    SPANLOOM=target/release/spanloom SPANLOOM_DATA=../shared/data python benches/precision.py [MODEL]

MODEL (models/en) runs alone in an engine file for each precision, over the dev parts of UNER EWT, WNUT-17, Tweebank and the Broad
Twitter Corpus. The table has micro-F1 by exact span and label, as `spanloom eval` gives it, and how many documents (sentences)
have other entities: another span or label; scores may differ. It ends with 1 where F1 moves by 0.1 or more.
"""

import json
import os
import subprocess
import sys
import tempfile
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


def engine(place, model, precision):
    path = place / f"{precision}.toml"
    path.write_text(
        'labels = ["PER", "LOC", "ORG", "MISC"]\n\n[[source]]\nkind = "model"\nname = "tagger"\n'
        f'path = {json.dumps(str(model))}\nprecision = "{precision}"\n\n[[merge]]\npass = "greedy"\n'
    )
    return path


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def entities(gold, engine_file):
    lines = run("tag", "-q", "--input-format", "conll", "-e", engine_file, "--device", "cpu", gold).splitlines()
    return [[(e["start"], e["end"], e["label"]) for e in json.loads(line)["entities"]] for line in lines]


def main():
    model = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "models" / "en").resolve()
    if not DATA.is_dir():
        sys.exit(f"skipped: no corpora at {DATA}; SPANLOOM_DATA names their folder")
    moved = 0.0
    print("| dev part | F1, f32 | F1, int16 | sentences | with other entities |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        exact, fixed = (engine(Path(place), model, precision) for precision in ("f32", "int16"))
        for name, (path, options) in PARTS.items():
            gold = DATA / path
            scores = []
            for one in (exact, fixed):
                report = run("eval", gold, "-q", "--input-format", "conll", "-e", one, "--device", "cpu", "--json", *options)
                scores.append(100 * json.loads(report)["systems"][0]["micro"]["f1"])
            before, after = entities(gold, exact), entities(gold, fixed)
            other = sum(a != b for a, b in zip(before, after, strict=True))
            print(f"| {name} | {scores[0]:.2f} | {scores[1]:.2f} | {len(before):,} | {other} |", flush=True)
            moved = max(moved, abs(scores[0] - scores[1]))
    print(f"\nF1 moves by {moved:.2f} at most.")
    sys.exit(moved >= 0.1)


if __name__ == "__main__":
    main()
