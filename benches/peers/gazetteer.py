"""Times spaCy's PhraseMatcher and EntityRuler on the names and text that `benches/gazetteer.rs` wrote.

    python benches/peers/gazetteer.py FOLDER [--seconds 30] [--lists 100k]

Prints the table of all tools, each beside Spanloom. spaCy reads text into tokens before it matches; both
times are counted, as are Spanloom's folding and word boundaries. Matching is by lower case (`LOWER`), which
is the nearest that both offer. What would take longer than `--seconds` is timed over a part of the text, and
marked so. Times are those of the process, not of the wall. Of the lists, spaCy takes those of `--lists`: five
million names outgrow 24 GB there.
"""

import argparse
import json
import resource
import time
from pathlib import Path

from timing import over_texts


def memory() -> int:
    """Bytes that are resident now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def phrase_matcher(names):
    import spacy
    from spacy.matcher import PhraseMatcher

    nlp = spacy.blank("en")
    nlp.max_length = 10**9
    matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
    matcher.add("NAME", list(nlp.tokenizer.pipe(names)))
    return lambda text: len(matcher(nlp.make_doc(text)))


def entity_ruler(names):
    import spacy

    nlp = spacy.blank("en")
    nlp.max_length = 10**9
    ruler = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns([{"label": "NAME", "pattern": name} for name in names])
    return lambda text: len(nlp(text).ents)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--seconds", type=float, default=30)
    arguments.add_argument("--lists", nargs="*", default=["100k"])
    options = arguments.parse_args()
    rows = [json.loads(line) for line in (options.folder / "ours.jsonl").read_text().splitlines()]
    for label in options.lists:
        names = (options.folder / f"names-{label}.txt").read_text().split("\n")
        texts = (options.folder / f"text-{label}.txt").read_text().split("\x0c")
        whole = sum(len(text.encode()) for text in texts)
        for tool, build in [("PhraseMatcher", phrase_matcher), ("EntityRuler", entity_ruler)]:
            before, begin = memory(), time.process_time()
            match = build(names)
            built = time.process_time() - begin
            took, size, found = over_texts(match, texts, options.seconds)
            rows.append({
                "list": label,
                "tool": f"spaCy {tool}" + ("" if size == whole else f" (first {size / 1e6:.1f} MB)"),
                "build": built,
                "open": built,
                "bytes": memory() - before,
                "rate": size / 1e6 / took,
                "found": found,
            })
            del match
    print("| names | tool | ready in | memory | MB/s | Spanloom is faster by |")
    print("|---|---|---:|---:|---:|---:|")
    for label in dict.fromkeys(row["list"] for row in rows):
        of_list = [row for row in rows if row["list"] == label]
        ours = next(row for row in of_list if row["tool"] == "spanloom")
        for row in sorted(of_list, key=lambda row: -row["rate"]):
            ready = f"{row['open'] * 1000:.2f} ms" if row["open"] < 1 else f"{row['open']:.1f} s"
            print(
                f"| {label} | {row['tool']} | {ready} | {row['bytes'] / 1e6:,.0f} MB "
                f"| {row['rate']:.1f} | {ours['rate'] / row['rate']:.1f} |"
            )


if __name__ == "__main__":
    main()
