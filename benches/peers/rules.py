"""Times spaCy's Matcher and EntityRuler and Presidio's recognizers on what `benches/rules.rs` wrote.

    python benches/peers/rules.py FOLDER [--seconds 60]

Prints the table of all tools, each beside Spanloom. spaCy matches tokens: each rule becomes token patterns
with the same words and shapes, phrases of words become phrases; its tokenizer is timed too, as it must run
first. Presidio gets the same regular expressions (the `regex` module reads them), one recognizer a rule.
Each tool reads as much of the text as there is time for. Times are those of the process.
"""

import argparse
import json
from pathlib import Path

from timing import over_texts

NAME = {"TEXT": {"REGEX": r"^[A-Z][a-z]+$"}}


def token_patterns(rule):
    """The rule as patterns over spaCy's tokens."""
    words = rule["words"]
    if rule["kind"] == "context":
        forms = words + [word + "s" for word in words]
        head = {"TEXT": {"IN": forms}}
        return [[head, {"TEXT": ":", "OP": "?"}, NAME | {"OP": "{1,3}"}]]
    if rule["kind"] == "suffix":
        return [[NAME | {"OP": "{1,3}"}, {"TEXT": {"IN": words}}]]
    if rule["kind"] == "code":
        start = "|".join(words)
        return [[{"TEXT": {"REGEX": rf"^(?:{start})-?\d{{3,6}}$"}}]]
    if rule["kind"] == "date":
        day, year = {"TEXT": {"REGEX": r"^\d{1,2}\.?$"}}, {"TEXT": {"REGEX": r"^\d{4}$"}}
        return [[day, {"TEXT": {"IN": words}}, year]]
    return [[{"LOWER": word} for word in phrase.split()] for phrase in words]


def matcher(rules):
    import spacy
    from spacy.matcher import Matcher

    nlp = spacy.blank("en")
    matcher = Matcher(nlp.vocab)
    for number, rule in enumerate(rules):
        matcher.add(f"{rule['kind']}-{number}", token_patterns(rule), greedy="LONGEST")
    return lambda text: len(matcher(nlp.make_doc(text)))


def entity_ruler(rules):
    import spacy

    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    patterns = []
    for rule in rules:
        label = rule["kind"].upper()
        if rule["kind"] == "phrases":
            patterns += [{"label": label, "pattern": phrase} for phrase in rule["words"]]
        else:
            patterns += [{"label": label, "pattern": pattern} for pattern in token_patterns(rule)]
    ruler.add_patterns(patterns)
    return lambda text: len(nlp(text).ents)


def presidio(rules):
    import regex
    from presidio_analyzer import Pattern, PatternRecognizer

    recognizers = []
    for number, rule in enumerate(rules):
        pattern = Pattern("rule", rule["pattern"], 1.0)
        label = f"{rule['kind']}-{number}".upper()
        # Presidio ignores case unless told otherwise.
        flags = regex.DOTALL | regex.MULTILINE
        recognizers.append(
            PatternRecognizer(supported_entity=label, patterns=[pattern], global_regex_flags=flags)
        )
    return lambda text: sum(
        len(recognizer.analyze(text, recognizer.supported_entities)) for recognizer in recognizers
    )


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--seconds", type=float, default=60)
    options = arguments.parse_args()
    lines = (options.folder / "rules.jsonl").read_text().splitlines()
    rules = [json.loads(line) for line in lines]
    texts = (options.folder / "text.txt").read_text().split("\x0c")
    whole = sum(len(text.encode()) for text in texts)
    ours = json.loads((options.folder / "ours.jsonl").read_text())
    rows = [("Spanloom", ours["rate"], sum(ours["found"].values()), whole)]
    for tool, build in [
        ("spaCy Matcher", matcher),
        ("spaCy EntityRuler", entity_ruler),
        ("Presidio PatternRecognizer", presidio),
    ]:
        match = build(rules)
        match(texts[-1])
        took, size, found = over_texts(match, texts, options.seconds)
        rows.append((tool, size / 1e6 / took, found, size))
    print(f"| {len(rules)} rules | text | found a MB | MB/s | Spanloom is faster by |")
    print("|---|---:|---:|---:|---:|")
    for tool, rate, found, size in rows:
        mega_bytes = size / 1e6
        print(
            f"| {tool} | {mega_bytes:.1f} MB | {found / mega_bytes:,.0f} | {rate:.3g} "
            f"| {ours['rate'] / rate:,.1f} |"
        )


if __name__ == "__main__":
    main()
