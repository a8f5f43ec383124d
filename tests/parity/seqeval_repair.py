"""Makes tests/data/parity/seqeval_repair.json: how seqeval 1.2.2 reads 440 tag sequences, many of them malformed.

    python tests/parity/seqeval_repair.py

Items are {"scheme", "tags", "entities", "strict"}: tags separated by one space; entities are [label, start, end_exclusive]
(seqeval's get_entities gives inclusive ends; here one is added).

    entities  seqeval.metrics.sequence_labeling.get_entities (suffix=False): the default mode, which repairs as conlleval does.
              It knows the prefixes B, I, E, S, and treats any other letter as one that neither starts nor ends a chunk
              unless the label changes: for BILOU it merges U-X U-X into one.
    renamed   BILOU only: get_entities after L- is renamed E- and U- is renamed S-, the reading that BILOU means
    strict    seqeval.scheme.Tokens with IOB2, IOBES or BILOU: only well-formed entities. Absent for IO (no such scheme).

Schemes: 160 BIO, 120 IOBES, 120 BILOU, 40 IO (I- and O only; get_entities needs nothing more). Lengths 1 to 12, three
labels; about a third well formed, a third of those with one or two tags replaced, a third drawn at random. Seeded.
"""

import random
import warnings

from common import FIXTURES, write_lines
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB2, IOBES, Tokens

LABELS = ["PER", "LOC", "ORG"]
# scheme -> (count, prefixes, (first, inside, last, single), strict scheme)
SCHEMES = {
    "BIO": (160, "BI", "BIIB", IOB2),
    "IOBES": (120, "IBES", "BIES", IOBES),
    "BILOU": (120, "BILU", "BILU", BILOU),
    "IO": (40, "I", "IIII", None),
}


def well_formed(rng, length, pattern):
    first, inside, last, single = pattern
    tags = []
    while len(tags) < length:
        left = length - len(tags)
        if rng.random() < 0.4:
            tags.append("O")
            continue
        label, size = rng.choice(LABELS), min(left, rng.choice([1, 1, 2, 2, 3, 4]))
        prefixes = [single] if size == 1 else [first] + [inside] * (size - 2) + [last]
        tags += [f"{p}-{label}" for p in prefixes]
    return tags


def random_tag(rng, prefixes, labels):
    return "O" if rng.random() < 0.25 else f"{rng.choice(prefixes)}-{rng.choice(labels)}"


def sequence(rng, prefixes, pattern):
    length, kind = rng.randint(1, 12), rng.randrange(3)
    if kind == 2:
        labels = rng.sample(LABELS, rng.choice([1, 2, 3]))
        return [random_tag(rng, prefixes, labels) for _ in range(length)]
    tags = well_formed(rng, length, pattern)
    if kind == 1:
        for _ in range(rng.choice([1, 2])):
            tags[rng.randrange(length)] = random_tag(rng, prefixes, LABELS)
    return tags


def default_mode(tags):
    return [[label, start, end + 1] for label, start, end in get_entities(tags)]


def main():
    warnings.simplefilter("ignore")  # get_entities warns of L- and U-
    rng = random.Random(1702)
    items = []
    for scheme, (count, prefixes, pattern, strict) in SCHEMES.items():
        seen = set()
        while len(seen) < count:
            tags = sequence(rng, prefixes, pattern)
            if " ".join(tags) in seen:
                continue
            seen.add(" ".join(tags))
            item = {"scheme": scheme, "tags": " ".join(tags), "entities": default_mode(tags)}
            if scheme == "BILOU":
                renames = {"L": "E", "U": "S"}
                item["renamed"] = default_mode([renames.get(t[0], t[0]) + t[1:] for t in tags])
            if strict:
                item["strict"] = [[e.tag, e.start, e.end] for e in Tokens(tags, scheme=strict).entities]
            items.append(item)
    path = FIXTURES / "seqeval_repair.json"
    head = {"made_by": "tests/parity/seqeval_repair.py", "seqeval": "1.2.2"}
    write_lines(path, head, "sequences", items)
    print(f"{len(items)} sequences, {path.stat().st_size} bytes, "
          f"{sum(i.get('strict', i['entities']) != i['entities'] for i in items)} where strict and default differ")


if __name__ == "__main__":
    main()
