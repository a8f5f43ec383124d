"""Makes tests/data/eval/: what seqeval 1.2.2 and nervaluate 1.2.1 say of random annotations, malformed ones included.

    python tests/parity/eval_fixtures.py

seqeval.jsonl    480 batches of 10 tag sequences: 40 of each of six schemes, with the letter first, and 40 with it last (B-X, X-B).
                 Items are {"scheme", "suffix", "gold", "predicted", "default", "strict", "accuracy"}; tags are separated by one
                 space.
    default      seqeval.metrics.classification_report(output_dict=True), rows as [precision, recall, f1, support]. For BILOU
                 the tags L- and U- are renamed E- and S- first, which is what they mean; seqeval does not know them here.
    strict       the same with mode="strict" and the scheme; null where seqeval refuses a tag.
    accuracy     seqeval.metrics.accuracy_score.
nervaluate.jsonl 50 batches of 4 documents. Items are {"gold", "predicted", "overall", "labels"}; spans are
                 [start, end_exclusive, label] in the order given to nervaluate, whose ends are inclusive. Rows are [correct,
                 incorrect, partial, missed, spurious, possible, actual, precision, recall, f1], keyed by strict, exact,
                 partial and ent_type. Some spans are longer than 100, of which one shared character is too little.

Seeded: made again with the pinned versions, the files come out the same.
"""

import json
import math
import random
import warnings
from pathlib import Path

from nervaluate import Evaluator
from seqeval.metrics import accuracy_score, classification_report
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, IOE1, IOE2

FOLDER = Path(__file__).resolve().parents[1] / "data" / "eval"
LABELS = ["X", "Y", "Z-Q"]
# scheme -> (letters, (first, inside, last, single), seqeval's scheme). In IOB1 and IOE1 the letters B and E are only for
# entities that touch another of their label; damage puts them there and elsewhere.
SCHEMES = {
    "iob1": ("BI", "IIII", IOB1),
    "iob2": ("BI", "BIIB", IOB2),
    "ioe1": ("IE", "IIII", IOE1),
    "ioe2": ("IE", "IIEE", IOE2),
    "iobes": ("BIES", "BIES", IOBES),
    "bilou": ("BILU", "BILU", BILOU),
}
BATCHES = 40
SEQUENCES, DOCUMENTS, SPAN_BATCHES = 10, 4, 50
SCENARIOS = ["strict", "exact", "partial", "ent_type"]


def well_formed(rng, length, pattern, scheme):
    first, inside, last, single = pattern
    tags, before = [], None
    while len(tags) < length:
        size = min(rng.randint(1, 4), length - len(tags))
        if rng.random() < 0.5:
            tags += ["O"] * size
            before = None
            continue
        letters = [single] if size == 1 else [first] + [inside] * (size - 2) + [last]
        label = rng.choice(LABELS)
        if before == label and scheme == "iob1":
            letters[0] = "B"
        if before == label and scheme == "ioe1":
            tags[-1] = "E" + tags[-1][1:]
        tags += [f"{letter}-{label}" for letter in letters]
        before = label
    return tags


def random_tag(rng, prefixes):
    letter = rng.choice("OO" + prefixes)
    # A letter alone has no label, which both modes of seqeval call "_".
    return letter if letter == "O" or rng.random() < 0.03 else f"{letter}-{rng.choice(LABELS)}"


def damaged(rng, tags, prefixes, share):
    return [random_tag(rng, prefixes) if rng.random() < share else tag for tag in tags]


def report(gold, predicted, **options):
    rows = classification_report(gold, predicted, output_dict=True, **options)
    rows = {
        name: [float(row["precision"]), float(row["recall"]), float(row["f1-score"]), int(row["support"])]
        for name, row in rows.items()
    }
    assert len(rows) > 3 and not any(math.isnan(number) for row in rows.values() for number in row)
    return rows


def renamed(tags):
    return [{"L": "E", "U": "S"}.get(tag[0], tag[0]) + tag[1:] for tag in tags]


def turned(tags):
    return [tag if len(tag) == 1 else tag[2:] + "-" + tag[0] for tag in tags]


def sequence_batch(rng, scheme, suffix):
    prefixes, pattern, seqeval_scheme = SCHEMES[scheme]
    # One batch in ten has letters of other schemes; how malformed the others are differs.
    foreign = rng.random() < 0.1
    share = rng.choice([0.0, 0.1, 0.5, 1.0])
    gold, predicted = [], []
    for _ in range(SEQUENCES):
        tags = well_formed(rng, rng.randint(1, 12), pattern, scheme)
        gold.append(damaged(rng, tags, prefixes, share * rng.choice([0, 1])))
        letters = "BIES" if foreign and scheme != "bilou" else "BIESLU" if foreign else prefixes
        predicted.append(damaged(rng, tags, letters, max(share, 0.2)))
    turn = turned if suffix else list
    rename = renamed if scheme == "bilou" else list
    as_default = lambda sequences: [turn(rename(tags)) for tags in sequences]
    default = report(as_default(gold), as_default(predicted), suffix=suffix)
    gold, predicted = [list(map(turn, sequences)) for sequences in (gold, predicted)]
    try:
        strict = report(gold, predicted, mode="strict", scheme=seqeval_scheme, suffix=suffix)
    except ValueError:
        strict = None
    return {
        "scheme": scheme,
        "suffix": suffix,
        "gold": [" ".join(tags) for tags in gold],
        "predicted": [" ".join(tags) for tags in predicted],
        "default": default,
        "strict": strict,
        "accuracy": float(accuracy_score(gold, predicted)),
    }


def random_span(rng):
    start = rng.randint(0, 60)
    length = rng.randint(101, 260) if rng.random() < 0.08 else rng.randint(1, 9)
    return [start, start + length, rng.choice(LABELS)]


def near(rng, span):
    start, end, label = span
    if rng.random() < 0.4:
        start = max(0, start + rng.randint(-2, 2))
        end = max(start + 1, end + rng.randint(-2, 2))
    return [start, end, rng.choice(LABELS) if rng.random() < 0.3 else label]


def row(result):
    counts = [result.correct, result.incorrect, result.partial, result.missed, result.spurious]
    scores = [float(result.precision), float(result.recall), float(result.f1)]
    return counts + [result.possible, result.actual] + scores


def span_batch(rng):
    gold, predicted = [], []
    for _ in range(DOCUMENTS):
        spans = [random_span(rng) for _ in range(rng.randint(0, 6))]
        if rng.random() < 0.7:
            spans.sort()
        found = [near(rng, span) for span in spans if rng.random() < 0.8]
        found += [random_span(rng) for _ in range(rng.randint(0, 2))]
        if rng.random() < 0.2:
            rng.shuffle(found)
        gold.append(spans)
        predicted.append(found)
    as_nervaluate = lambda documents: [
        [{"start": start, "end": end - 1, "label": label} for start, end, label in spans] for spans in documents
    ]
    results = Evaluator(as_nervaluate(gold), as_nervaluate(predicted), tags=LABELS, loader="dict").evaluate()
    rows = lambda by_scenario: {name: row(by_scenario[name]) for name in SCENARIOS}
    return {
        "gold": gold,
        "predicted": predicted,
        "overall": rows(results["overall"]),
        "labels": {label: rows(results["entities"][label]) for label in sorted(results["entities"])},
    }


def write(name, items):
    lines = [json.dumps(item, separators=(",", ":")) + "\n" for item in items]
    (FOLDER / name).write_text("".join(lines), encoding="utf-8")
    print(f"{name}: {len(lines)} items, {sum(map(len, lines))} bytes")


def main():
    warnings.simplefilter("ignore")
    rng = random.Random(20)
    FOLDER.mkdir(parents=True, exist_ok=True)
    kinds = [(scheme, suffix) for scheme in SCHEMES for suffix in (False, True)]
    batches = [sequence_batch(rng, *kind) for kind in kinds for _ in range(BATCHES)]
    assert 10 <= sum(batch["strict"] is None for batch in batches) <= 120
    write("seqeval.jsonl", batches)
    write("nervaluate.jsonl", [span_batch(rng) for _ in range(SPAN_BATCHES)])


if __name__ == "__main__":
    main()
