"""Writes the engines of one domain of CrossNER, from its train part alone.

    python learn.py TRAIN TEST PREDICTED MODEL FOLDER [--threshold 0.35] [--l2 3.0]

TRAIN and TEST are CoNLL files, TEST is read only to drop the sentences of TRAIN that stand in it too. PREDICTED is what the model
alone finds in TRAIN (`spanloom tag --format jsonl`), MODEL its folder. FOLDER gets:

    model.toml     the model alone; its PER is `person`, LOC `location`, ORG `organisation`, MISC `misc`
    majority.toml  the same, each of its labels being what it most often is in TRAIN
    fine.toml      the model's labels refined: every span it finds is proposed as each label that such a span has in TRAIN, with how
                   often it is that as its score; cues add what the words in, beside and around it say; a gazetteer has the
                   mentions of TRAIN
    entries.tsv    that gazetteer

The weights of the cues are those of a logistic regression for each label (against the rest), with an L2 penalty; the log-odds of
the score are its offset, so a cue only says what the score does not.
"""

import argparse
import json
import math
from collections import Counter, defaultdict
from pathlib import Path

COARSE = {"PER": "person", "LOC": "location", "ORG": "organisation", "MISC": "misc"}
LEAST_COUNT = 3  # a word that is seen less often is no cue
LEAST_WEIGHT = 0.4  # a cue that says less is left out
ROUNDS = 60


def sentences(path):
    """The sentences of a CoNLL file: tokens, and {(first token, end): label}."""
    for block in path.read_text().split("\n\n"):
        rows = [line.split("\t") for line in block.split("\n") if line.strip()]
        if not rows:
            continue
        spans, begin, label = {}, None, None
        for index, tag in enumerate([row[-1] for row in rows] + ["O"]):
            if label and tag != f"I-{label}":
                spans[begin, index], label = label, None
            if tag.startswith("B-"):
                begin, label = index, tag[2:]
        yield [row[0] for row in rows], spans


def features(tokens, begin, end):
    """What a cue can look at, as (where, word) in lower case."""
    words = [token.lower() for token in tokens]
    found = {("inside", word) for word in words[begin:end]}
    found.add(("last", words[end - 1]))
    found |= {("left", word) for word in words[max(0, begin - 1) : begin]}
    found |= {("right", word) for word in words[end : end + 1]}
    found |= {("sentence", word) for word in words[:begin] + words[end:] if len(word) > 3}
    return found


def candidates(train, predicted):
    """What the model finds: (its label, fine label or None, features)."""
    by_text = {document["text"]: document["entities"] for document in map(json.loads, predicted.open())}
    for tokens, spans in train:
        starts, ends, place = {}, {}, 0
        for index, token in enumerate(tokens):
            starts[place], ends[place + len(token)] = index, index + 1
            place += len(token) + 1
        for entity in by_text[" ".join(tokens)]:
            begin, end = starts[entity["start"]], ends[entity["end"]]
            yield entity["label"], spans.get((begin, end)), features(tokens, begin, end)


def log_odds(probability):
    return math.log(probability / (1 - probability))


def fit(rows, l2):
    """The weights of the features: rows are (offset, right or not, features); AdaGrad, in the order of the rows."""
    weights, squares = defaultdict(float), defaultdict(lambda: 1e-8)
    decay = l2 / len(rows)
    for _ in range(ROUNDS):
        for offset, right, names in rows:
            total = offset + sum(weights[name] for name in names)
            slope = 1 / (1 + math.exp(-max(-30.0, min(30.0, total)))) - right
            for name in names:
                step = slope + decay * weights[name] * 10
                squares[name] += step * step
                weights[name] -= 0.2 * step / math.sqrt(squares[name])
    return weights


def quoted(text):
    """A literal TOML string with the text as a pattern."""
    special = "\\.^$*+?()[]{}|-#&"
    escaped = "".join("\\" + character if character in special else character for character in text)
    return escaped.replace("'", r"\x27")


def cue(label, where, word, weight):
    pattern = quoted(word)
    written = {
        "inside": ("inside", rf"(?i)(?:\A|\s){pattern}(?:\s|\z)"),
        "last": ("inside", rf"(?i)(?:\A|\s){pattern}\z"),
        "left": ("left", rf"(?i)(?:\A|\s){pattern}\s"),
        "right": ("right", rf"(?i)\s{pattern}(?:\s|\z)"),
        "sentence": ("sentence", rf"(?i)(?:\A|\s){pattern}(?:\s|\z)"),
    }
    key, value = written[where]
    return f"[[merge.cue]]\nlabel = \"{label}\"\n{key} = '{value}'\nadd = {weight:.2f}\n\n"


def relabel(coarse, label):
    other = next(name for name in COARSE if name != coarse)
    return (
        f'[[merge.rule]]\nid = "{coarse.lower()}-is-{label.lower()}"\ndoc = "What the model calls {coarse} is {label}."\n'
        f'action = "relabel"\npattern = "<{coarse}>"\nlabel = "{label}"\n'
        f'[[merge.rule.case]]\ntext = "[X]({coarse})"\ngives = "[X]({label})"\n'
        + f'[[merge.rule.case]]\ntext = "[X]({other})"\ngives = "[X]({other})"\n\n'
    )


def propose(coarse, label, score):
    other = next(name for name in COARSE if name != coarse)
    return (
        f'[[merge.rule]]\nid = "{coarse.lower()}-may-be-{label.lower()}"\n'
        f'doc = "What the model calls {coarse} may be {label}."\n'
        f'pattern = "<{coarse}>"\nlabel = "{label}"\nscore = {score:.3f}\n'
        f'[[merge.rule.case]]\ntext = "[X]({coarse})"\ngives = "[[X]({label})]({coarse})"\n'
        f'[[merge.rule.case]]\ntext = "[X]({other})"\ngives = "[X]({other})"\n\n'
    )


def head(labels, model):
    return (
        f"labels = {json.dumps(labels)}\nhelper-labels = {json.dumps(list(COARSE))}\n\n"
        f'[[source]]\nname = "tagger"\nkind = "model"\npath = {json.dumps(str(model.resolve()))}\n\n'
    )


def relabelled(labels, model, names):
    """An engine of the model alone, each of its labels called otherwise."""
    rules = "".join(relabel(coarse, names[coarse]) for coarse in COARSE)
    return head(labels, model) + '[[merge]]\npass = "rules"\n\n' + rules + '[[merge]]\npass = "score"\n'


def gazetteer(train):
    """Rows of surface, label, id, weight: how often the words are that among all the times they occur."""
    texts = [f" {' '.join(tokens)} " for tokens, _ in train]
    surfaces = defaultdict(Counter)
    for tokens, spans in train:
        for (begin, end), label in spans.items():
            surfaces[" ".join(tokens[begin:end])][label] += 1
    for surface, counts in sorted(surfaces.items()):
        if len(surface) < 2 or surface.startswith("#"):
            continue
        label, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
        occurs = max(sum(text.count(f" {surface} ") for text in texts), count)
        yield f"{surface}\t{label}\t\t{(count + 0.5) / (occurs + 1):.2f}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "test", "predicted", "model", "folder"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--threshold", type=float, default=0.35)
    parser.add_argument("--l2", type=float, default=3.0)
    arguments = parser.parse_args()

    leaked = {tuple(tokens) for tokens, _ in sentences(arguments.test)}
    train = [sentence for sentence in sentences(arguments.train) if tuple(sentence[0]) not in leaked]
    labels = sorted({label for _, spans in train for label in spans.values()} | set(COARSE.values()))
    found = list(candidates(train, arguments.predicted))

    counts = {coarse: Counter(fine for label, fine, _ in found if label == coarse) for coarse in COARSE}
    prior, majority = {}, {}
    for coarse in COARSE:
        total = sum(counts[coarse].values())
        for label in labels:
            if counts[coarse][label] >= 2:
                prior[coarse, label] = min(0.98, counts[coarse][label] / (total + 1))
        right = [label for label in labels if (coarse, label) in prior]
        majority[coarse] = max(right, key=lambda label: prior[coarse, label], default=COARSE[coarse])

    seen = Counter(name for _, _, names in found for name in names)
    known = {name for name, count in seen.items() if count >= LEAST_COUNT}
    cues = []
    for label in labels:
        rows = [
            (log_odds(prior[coarse, label]), fine == label, sorted(names & known))
            for coarse, fine, names in found
            if (coarse, label) in prior
        ]
        if rows:
            weights = fit(rows, arguments.l2)
            cues += [cue(label, *name, weight) for name, weight in sorted(weights.items()) if abs(weight) >= LEAST_WEIGHT]

    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.toml").write_text(relabelled(labels, arguments.model, COARSE))
    (folder / "majority.toml").write_text(relabelled(labels, arguments.model, majority))
    (folder / "entries.tsv").write_text("".join(gazetteer(train)))
    (folder / "fine.toml").write_text(
        head(labels, arguments.model)
        + '[[source]]\nname = "train"\nkind = "gazetteer"\nfiles = ["entries.tsv"]\n\n[[merge]]\npass = "rules"\n\n'
        + "".join(propose(coarse, label, score) for (coarse, label), score in prior.items())
        + '[[merge]]\npass = "filter"\nlabels = ' + json.dumps(list(COARSE))
        + '\n\n[[merge]]\npass = "combine"\nmethod = "noisy-or"\n\n'
        + ('[[merge]]\npass = "context"\n\n' + "".join(cues) if cues else "")
        + f'[[merge]]\npass = "threshold"\nmin = {arguments.threshold}\n\n[[merge]]\npass = "optimal"\nweight = "words"\n'
    )
    print(f"{len(train)} sentences, {len(found)} spans of the model, {len(prior)} pairs of labels, {len(cues)} cues")


if __name__ == "__main__":
    main()
