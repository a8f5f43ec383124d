"""Makes tests/data/eval/compare.jsonl: the paired bootstrap and approximate randomisation, done slowly and plainly.

    python tests/parity/compare_fixtures.py

Nothing here is fast or clever: every draw scores all its documents anew from their spans. Items are

    {"systems", "documents", "draws", "coins", "expected"}   30 of them, with the draws and coins to take
    {"systems", "documents", "exact"}                         10 of them, with all draws and all coins there are

documents  each {"gold": [[start, end, label]], "predicted": [a list of such for each system]}
draws      lists of document numbers, one a round; coins: strings of 0 and 1, one a round, one character a document
expected   for each system {measure: [value, low, high]}, after the first [value, low, high, difference, low, high,
           p_bootstrap, p_randomisation]; measures are "micro precision", "macro f1", "X recall" and so on
exact      for each system after the first {measure: [p_bootstrap, p_randomisation]}: the shares of all draws, and of all coins,
           that are at least as far off

Standard library only; seeded.
"""

import itertools
import json
import math
import random
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "data" / "eval" / "compare.jsonl"
LABELS = ["X", "Y", "Z"]
ROUNDS = 60
NEAR = 1e-12


def ratio(part, whole):
    return part / whole if whole else 0.0


def score(right, predicted, gold):
    precision, recall = ratio(right, predicted), ratio(right, gold)
    return [precision, recall, ratio(2 * precision * recall, precision + recall)]


def measures(documents, system):
    """All scores of a system on a list of documents, in which one may stand several times."""
    rows = {}
    for label in LABELS:
        right = predicted = gold = 0
        for document in documents:
            there = {tuple(span) for span in document["gold"] if span[2] == label}
            found = {tuple(span) for span in document["predicted"][system] if span[2] == label}
            right, predicted, gold = right + len(there & found), predicted + len(found), gold + len(there)
        rows[label] = (right, predicted, gold)
    scores = {label: score(*row) for label, row in rows.items()}
    present = [label for label, row in rows.items() if row[1] + row[2]]
    mean = lambda column: ratio(sum(scores[label][column] for label in present), len(present))
    scores["micro"] = score(*(sum(column) for column in zip(*rows.values())))
    scores["macro"] = [mean(column) for column in range(3)]
    names = ["precision", "recall", "f1"]
    return {f"{name} {names[column]}": row[column] for name, row in scores.items() for column in range(3)}


def percentile(values, share):
    values = sorted(values)
    place = share * (len(values) - 1)
    below, above = values[math.floor(place)], values[math.ceil(place)]
    return below + (place - math.floor(place)) * (above - below)


def interval(values):
    return [percentile(values, 0.025), percentile(values, 0.975)]


def swapped(documents, coins, system):
    """The documents, with the outputs of the first system and of another exchanged where a coin says so."""
    result = []
    for document, coin in zip(documents, coins):
        one, other = document["predicted"][0], document["predicted"][system]
        result.append({"gold": document["gold"], "predicted": [other, one] if coin == "1" else [one, other]})
    return result


def far(values, centre, observed):
    return sum(abs(value - centre) >= abs(observed) - NEAR for value in values)


def differences(documents, draws, coins, system, measure, cache):
    drawn = [row[system][measure] - row[0][measure] for row in cache["draws"]]
    changed = [row[1][measure] - row[0][measure] for row in cache["coins"][system]]
    return drawn, changed


def tables(documents, draws, coins, systems):
    draw_rows = []
    for draw in draws:
        chosen = [documents[number] for number in draw]
        draw_rows.append([measures(chosen, system) for system in range(systems)])
    coin_rows = {}
    for system in range(1, systems):
        rows = []
        for toss in coins:
            exchanged = swapped(documents, toss, system)
            rows.append([measures(exchanged, 0), measures(exchanged, 1)])
        coin_rows[system] = rows
    return {"draws": draw_rows, "coins": coin_rows}


def expected(documents, draws, coins, systems):
    cache = tables(documents, draws, coins, systems)
    observed = [measures(documents, system) for system in range(systems)]
    result = []
    for system in range(systems):
        row = {}
        for measure, value in observed[system].items():
            row[measure] = [value, *interval([drawn[system][measure] for drawn in cache["draws"]])]
            if system:
                difference = value - observed[0][measure]
                drawn, changed = differences(documents, draws, coins, system, measure, cache)
                p_bootstrap = (1 + far(drawn, difference, difference)) / (1 + len(drawn))
                p_randomisation = (1 + far(changed, 0.0, difference)) / (1 + len(changed))
                row[measure] += [difference, *interval(drawn), p_bootstrap, p_randomisation]
        result.append(row)
    return result


def exact(documents, systems):
    draws = list(itertools.product(range(len(documents)), repeat=len(documents)))
    coins = ["".join(toss) for toss in itertools.product("01", repeat=len(documents))]
    cache = tables(documents, draws, coins, systems)
    observed = [measures(documents, system) for system in range(systems)]
    result = []
    for system in range(1, systems):
        row = {}
        for measure, value in observed[system].items():
            difference = value - observed[0][measure]
            drawn, changed = differences(documents, draws, coins, system, measure, cache)
            row[measure] = [far(drawn, difference, difference) / len(drawn), far(changed, 0.0, difference) / len(changed)]
        result.append(row)
    return result


def document(rng, systems):
    spans, at = [], 0
    for _ in range(rng.choice([0, 0, 1, 2, 3])):
        start = at + rng.randint(0, 3)
        at = start + rng.randint(1, 4)
        spans.append([start, at, rng.choice(LABELS[: rng.choice([2, 3])])])
    predicted = []
    for system in range(systems):
        found = [list(span) for span in spans if rng.random() < 0.5 + 0.1 * system]
        for span in found:
            if rng.random() < 0.2:
                span[2] = rng.choice(LABELS)
        if rng.random() < 0.3:
            found.append([50, 52, rng.choice(LABELS)])
        predicted.append(found)
    if systems > 1 and rng.random() < 0.4:
        predicted[1] = predicted[0]
    return {"gold": spans, "predicted": predicted}


def main():
    rng = random.Random(4)
    items = []
    for _ in range(30):
        systems, count = rng.randint(1, 3), rng.randint(1, 12)
        documents = [document(rng, systems) for _ in range(count)]
        draws = [[rng.randrange(count) for _ in range(count)] for _ in range(ROUNDS)]
        coins = ["".join(rng.choice("01") for _ in range(count)) for _ in range(ROUNDS)]
        result = expected(documents, draws, coins, systems)
        items.append({"systems": systems, "documents": documents, "draws": draws, "coins": coins, "expected": result})
    for _ in range(10):
        documents = [document(rng, 2) for _ in range(5)]
        items.append({"systems": 2, "documents": documents, "exact": exact(documents, 2)})
    FILE.write_text("".join(json.dumps(item, separators=(",", ":")) + "\n" for item in items), encoding="utf-8")
    print(f"{FILE.name}: {len(items)} items, {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
