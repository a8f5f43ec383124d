"""Scores entities in JSON Lines against gold spans, exactly: start and end must both be right.

    python tests/parity/score_spans.py GOLD PRED [--label LOC] [--gold-field location_mentions] [--id-field tweet_id]
        [--errors N]

GOLD and PRED hold one document a line, in the same order: GOLD with a list of spans in --gold-field, each an object with
`start_offset` and `end_offset` (or `start` and `end`), PRED with `entities` as `spanloom tag` writes them. Both count code
points. Of the entities only those of --label count; the types of the gold spans do not. Where the two files do not hold the same
documents, the script names the first difference and ends with status 1.

Prints precision, recall and F1 (percent, micro over all documents) and the counts they come from. --errors lists the N most
frequent surfaces of either kind of error, each with the character before it.
"""

import argparse
import collections
import itertools
import json
import sys


def lines(path):
    with open(path, encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


def gold_spans(document, field):
    return {
        (span.get("start_offset", span.get("start")), span.get("end_offset", span.get("end"))) for span in document[field]
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("gold")
    parser.add_argument("pred")
    parser.add_argument("--label", default="LOC")
    parser.add_argument("--gold-field", default="location_mentions")
    parser.add_argument("--id-field", default="tweet_id")
    parser.add_argument("--errors", type=int, default=0)
    args = parser.parse_args()

    right = proposed = expected = 0
    wrong, missed = collections.Counter(), collections.Counter()
    for number, (g, p) in enumerate(itertools.zip_longest(lines(args.gold), lines(args.pred)), 1):
        if g is None or p is None or g["text"] != p["text"]:
            sys.exit(f"document {number}: gold and prediction are not of the same text")
        if str(g.get(args.id_field)) != str(p.get(args.id_field, p.get("id"))):
            sys.exit(f"document {number}: {g.get(args.id_field)} in gold, {p.get('id')} in the prediction")
        gold = gold_spans(g, args.gold_field)
        pred = {(e["start"], e["end"]) for e in p["entities"] if e["label"] == args.label}
        right, proposed, expected = right + len(gold & pred), proposed + len(pred), expected + len(gold)
        for counter, spans in ((wrong, pred - gold), (missed, gold - pred)):
            counter.update(g["text"][max(0, s - 1):s].strip() + "|" + g["text"][s:e] for s, e in spans)
    precision = right / proposed if proposed else 0.0
    recall = right / expected if expected else 0.0
    f1 = 2 * right / (proposed + expected) if proposed + expected else 0.0
    for name, counter in (("wrong", wrong), ("missed", missed)):
        if args.errors:
            print(name, *(f"{surface} {count}" for surface, count in counter.most_common(args.errors)), sep="  ")
    print(f"P {100 * precision:.2f}  R {100 * recall:.2f}  F1 {100 * f1:.2f}  ({right} right of {proposed} found, {expected} in gold)")


if __name__ == "__main__":
    main()
