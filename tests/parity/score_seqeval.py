"""Scores a prediction file against a gold corpus with seqeval.

    python tests/parity/score_seqeval.py GOLD PRED [--map person=PER,location=LOC,...] [--drop MISC]
        [--gold-column N] [--token-column N] [--mode default|strict]

GOLD is a CoNLL-like corpus: `token<TAB>tag` (WNUT-17, CrossNER, BTC), `token - - tag` (Tweebank) or UNER's
`idx token tag - annotator` with # comments. The columns are found by themselves (a running number in the first column means
UNER); --token-column and --gold-column set them (counted from 0; negative counts from the end).

PRED holds GOLD's columns, or at least its token column at the same place, and behind them the predicted BIO tag as the last
column. Comments, blank lines and the number of blank lines may differ; the sentences and tokens must not, and where they do
the script names the first difference and ends with status 1. A sentence is ended by a line that is empty or holds only white
space.

--map renames labels and --drop turns tags with the given labels (after renaming) into O; both act on gold and prediction.
--mode default is seqeval's default (and conlleval's) reading of malformed tags; --mode strict counts only well-formed IOB2.

Prints seqeval's table and, as the last line, `micro-f1 NN.NN` (percent).
"""

import argparse
import sys
import warnings

from common import layout, map_tag, read_sentences
from seqeval.metrics import classification_report, f1_score
from seqeval.scheme import IOB2


def parse_map(text):
    pairs = [item.split("=", 1) for item in text.split(",") if item]
    if any(len(pair) != 2 for pair in pairs):
        sys.exit("--map wants NAME=LABEL pairs with commas between them")
    return {name.strip(): label.strip() for name, label in pairs}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("gold")
    parser.add_argument("pred")
    parser.add_argument("--map", type=parse_map, default={})
    parser.add_argument("--drop", default="", help="labels with commas between them")
    parser.add_argument("--gold-column", type=int)
    parser.add_argument("--token-column", type=int)
    parser.add_argument("--mode", choices=["default", "strict"], default="default")
    args = parser.parse_args()
    drop = tuple(label for label in args.drop.split(",") if label)

    gold, pred = read_sentences(args.gold), read_sentences(args.pred)
    token, tag = layout(gold)
    token = token if args.token_column is None else args.token_column
    tag = tag if args.gold_column is None else args.gold_column
    if len(gold) != len(pred):
        where = next((i for i, (g, p) in enumerate(zip(gold, pred))
                      if [r[token] for r in g.rows] != [r[token] for r in p.rows]), min(len(gold), len(pred)))
        sys.exit(f"gold has {len(gold)} sentences, the prediction {len(pred)}; they part at sentence {where + 1}")

    y_true, y_pred = [], []
    for number, (g, p) in enumerate(zip(gold, pred), 1):
        if len(g.rows) != len(p.rows):
            sys.exit(f"sentence {number}: gold has {len(g.rows)} tokens, the prediction {len(p.rows)}")
        for position, (a, b) in enumerate(zip(g.rows, p.rows), 1):
            # a negative column is counted from the end of gold's row: the prediction has one more behind it
            at = token if token >= 0 else len(a) + token
            if len(b) < at + 2:
                sys.exit(f"sentence {number}, token {position}: the prediction has no column behind the token")
            if a[at] != b[at]:
                sys.exit(f"sentence {number}, token {position}: {a[at]!r} in gold, {b[at]!r} in the prediction")
        y_true.append([map_tag(row[tag], args.map, drop) for row in g.rows])
        y_pred.append([map_tag(row[-1], args.map, drop) for row in p.rows])
        for tags, name in ((y_true[-1], "gold"), (y_pred[-1], "prediction")):
            bad = [t for t in tags if t != "O" and not t.startswith(("B-", "I-"))]
            if bad:
                sys.exit(f"sentence {number}: {bad[0]!r} in the {name} is no BIO tag")

    options = {"mode": "strict", "scheme": IOB2} if args.mode == "strict" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if any(t != "O" for tags in y_true + y_pred for t in tags):
            print(classification_report(y_true, y_pred, digits=4, **options))
            micro = f1_score(y_true, y_pred, average="micro", **options)
        else:
            print("neither file has an entity")
            micro = 0.0
    print(f"micro-f1 {100 * micro:.2f}")


if __name__ == "__main__":
    main()
