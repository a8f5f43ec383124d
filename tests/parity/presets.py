"""Makes tests/data/parity/presets.json: what spaCy, Presidio and GLiNER make of random sets of spans.

    python tests/parity/presets.py

Needs tests/parity/requirements-presets.txt. Items are {"preset", "options", "words", "text", "candidates", "expected"}:
"options" is TOML; "words" says whether the text is given as its words, separated by one space; candidates are [start, end,
label, score, source] and what is expected [start, end, label, score], sorted; offsets are in code points.

    spacy-filter-spans      spacy.util.filter_spans
    spacy-ruler-overwrite   an EntityRuler with one pattern a span, after doc.ents was set
    presidio                EntityRecognizer.remove_duplicates, then what AnonymizerEngine.anonymize does with conflicts
    gliner-flat, -nested    the greedy search of GLiNER's span decoder

Left out, because a peer's answer there hangs on something that is no property of the spans, or is an accident:

    spaCy's ruler     sets without a rule; two matches of one span (the winner follows the position in the text)
    Presidio          labels that tie on one span where one of them is a union (the position in its list decides);
                      conflicts in which nothing is left of a span (the empty span goes on cutting others);
                      one label with spaces between where another stands between them in its list;
                      the score of what was joined over spaces (that of the last), which is not compared

How many were left out is printed. Seeded; 45 cases a configuration.
"""

import random
from itertools import groupby

import spacy
from common import FIXTURES, write_lines
from gliner.decoding.decoder import Span as GlinerSpan
from gliner.decoding.decoder import SpanDecoder
from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_anonymizer import AnonymizerEngine
from presidio_anonymizer.entities import ConflictResolutionStrategy
from spacy.tokens import Span
from spacy.util import filter_spans

CASES = 45
WORDS = 14
LABELS = ["LOC", "ORG", "PER"]
SCORES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
NLP = spacy.blank("en")
TEXT = " ".join(f"w{i}" for i in range(WORDS))


def word_offsets():
    starts = [sum(len(f"w{i}") + 1 for i in range(n)) for n in range(WORDS)]
    return starts, [start + len(f"w{i}") for i, start in enumerate(starts)]


STARTS, ENDS = word_offsets()


def random_spans(rng, size, longest, most=9):
    """Distinct (start, end, label) over `size` places, in the order of output: start, longer first, label."""
    spans = set()
    for _ in range(rng.randint(2, most)):
        start = rng.randrange(size)
        spans.add((start, min(size, start + rng.randint(1, longest)), rng.choice(LABELS)))
    return sorted(spans, key=lambda s: (s[0], -s[1], s[2]))


def in_text(start, end):
    return [STARTS[start], ENDS[end - 1]]


def item(preset, candidates, expected, options="", text=None):
    return {
        "preset": preset,
        "options": options,
        "words": text is None,
        "text": text or TEXT,
        "candidates": candidates,
        "expected": sorted(expected),
    }


def spacy_filter_spans(rng):
    doc = NLP.make_doc(TEXT)
    spans = random_spans(rng, WORDS, 5)
    kept = filter_spans([Span(doc, start, end, label) for start, end, label in spans])
    candidates = [[*in_text(start, end), label, 0.5, "rules"] for start, end, label in spans]
    expected = [[*in_text(s.start, s.end), s.label_, 0.5] for s in kept]
    return item("spacy-filter-spans", candidates, expected)


def spacy_ruler(rng, overwrite):
    spans = random_spans(rng, WORDS, 4, 12)
    ents, rules = [], []
    for start, end, label in spans:
        if rng.random() < 0.5 and all(end <= s or start >= e for s, e, _ in ents):
            ents.append((start, end, label))
        elif all((start, end) != (s, e) for s, e, _ in rules):
            rules.append((start, end, label))
    if not rules:
        return "no rule"
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler", config={"overwrite_ents": overwrite})
    ruler.add_patterns(
        [{"label": label, "pattern": [{"ORTH": f"w{i}"} for i in range(start, end)]} for start, end, label in rules]
    )
    doc = nlp.make_doc(TEXT)
    doc.ents = [Span(doc, start, end, label) for start, end, label in ents]
    doc = ruler(doc)
    candidates = [[*in_text(s, e), label, 0.5, "tagger"] for s, e, label in ents]
    candidates += [[*in_text(s, e), label, 0.5, "rules"] for s, e, label in rules]
    expected = [[*in_text(e.start, e.end), e.label_, 0.5] for e in doc.ents]
    options = f'rules = ["rules"]\noverwrite = {str(overwrite).lower()}'
    return item("spacy-ruler-overwrite", candidates, expected, options)


def presidio(rng, conflict, merge_spaces):
    text = "".join("x" if rng.random() < 0.7 else " " for _ in range(24))
    spans = [(*span, rng.choice(SCORES)) for span in random_spans(rng, len(text), 8, 12)]
    results = [RecognizerResult(label, start, end, score) for start, end, label, score in spans]
    results = EntityRecognizer.remove_duplicates(results)
    engine = AnonymizerEngine()
    results = engine._copy_recognizer_results(results)
    results.sort(key=lambda x: (x.start, x.end))
    unions = engine._merge_same_entity_type_intersections(engine._copy_recognizer_results(results))
    given = {(r.start, r.end, r.entity_type, r.score) for r in results}
    key = lambda r: (r.start, r.end, r.score)
    for _, group in groupby(sorted(unions, key=key), key):
        group = list(group)
        if len(group) > 1 and any((r.start, r.end, r.entity_type, r.score) not in given for r in group):
            return "a union ties"
    strategy = {
        "none": ConflictResolutionStrategy.MERGE_SIMILAR_OR_CONTAINED,
        "remove-intersections": ConflictResolutionStrategy.REMOVE_INTERSECTIONS,
    }
    plain = engine._remove_conflicts_and_get_text_manipulation_data(
        engine._copy_recognizer_results(results), strategy["none"]
    )
    resolved = engine._remove_conflicts_and_get_text_manipulation_data(
        engine._copy_recognizer_results(results), strategy[conflict]
    )
    if len(plain) != len(resolved):
        return "nothing is left of a span"
    for i, first in enumerate(resolved):
        for second in resolved[i + 2 :]:
            gap = text[first.end : second.start]
            if merge_spaces and first.entity_type == second.entity_type and gap and not gap.strip(" "):
                return "another in the list between two with spaces between"
    if merge_spaces:
        resolved = engine._merge_entities_with_spaces_between(text, resolved)
    candidates = [[start, end, label, score, "rules"] for start, end, label, score in spans]
    expected = [[r.start, r.end, r.entity_type, None if merge_spaces else r.score] for r in resolved]
    options = f'conflict = "{conflict}"\nmerge-spaces = {str(merge_spaces).lower()}'
    return item("presidio", candidates, expected, options, text)


def gliner(rng, flat, multi_label):
    spans = sorted(random_spans(rng, WORDS, 5, 12), key=lambda s: (s[0], s[1], s[2]))
    scores = [rng.choice(SCORES[4:]) for _ in spans]
    # GLiNER's ends are inclusive; its spans come by start, width and number of the label.
    given = [
        GlinerSpan(start=start, end=end - 1, entity_type=label, score=score)
        for (start, end, label), score in zip(spans, scores)
    ]
    kept = SpanDecoder.greedy_search(None, given, flat_ner=flat, multi_label=multi_label)
    candidates = [[*in_text(s, e), label, score, "tagger"] for (s, e, label), score in zip(spans, scores)]
    expected = [[*in_text(s.start, s.end + 1), s.entity_type, s.score] for s in kept]
    options = f"multi-label = {str(multi_label).lower()}"
    return item("gliner-flat" if flat else "gliner-nested", candidates, expected, options)


def main():
    rng = random.Random(20261121)
    configurations = [
        ("spacy-filter-spans", lambda: spacy_filter_spans(rng)),
        *[("spacy-ruler-overwrite", lambda o=o: spacy_ruler(rng, o)) for o in (True, False)],
        ("presidio", lambda: presidio(rng, "none", False)),
        ("presidio", lambda: presidio(rng, "none", True)),
        ("presidio", lambda: presidio(rng, "remove-intersections", False)),
        *[("gliner", lambda f=f, m=m: gliner(rng, f, m)) for f in (True, False) for m in (True, False)],
    ]
    items = []
    for name, make in configurations:
        made, left_out = [], {}
        while len(made) < CASES:
            case = make()
            if isinstance(case, str):
                left_out[case] = left_out.get(case, 0) + 1
            else:
                made.append(case)
        print(name, len(made), "left out:", left_out)
        items += made
    head = {"labels": LABELS, "sources": ["rules", "tagger"]}
    write_lines(FIXTURES / "presets.json", head, "cases", items)


main()
