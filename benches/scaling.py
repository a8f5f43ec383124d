#!/usr/bin/env python3
"""How does the cost of tagging grow? Time on one core over the length of a document, the number of documents, of
entries, of rules and of labels: a table with the slope of each on logarithmic axes (1 is in proportion, 0 is not at
all), and a plot of all as SVG.

    benches/scaling.py target/release/spanloom FOLDER

What is timed is the processor time of `spanloom tag`, less that of the same engine over one word: the median of three
rounds in which all sizes take turns. All texts are generated here, the same in every run."""

import json
import math
import os
import random
import resource
import statistics
import subprocess
import sys

ROUNDS = 3
WORDS = """a about after agreement and answer because before budget but change committee could decision during early
for had his large late market meeting more new not of old on only over people plan price report said that the their
under was were which will with without year""".split()
SYLLABLES = ["ba", "den", "fir", "gol", "hem", "jun", "kar", "lis", "mon", "nor", "pel", "ras", "sul", "tam", "vik", "zor"]


def name(number):
    """A name of two words, another for every number."""
    word = lambda n: "".join(SYLLABLES[n >> shift & 15] for shift in (0, 4, 8, 12)).capitalize()
    return f"{word(number * 40503 % 65536)} {word(number // 65536 * 7 + number % 977)}"


def text(length, seed, names):
    """English-like text of about so many bytes, in which about one word in fifteen begins a name."""
    draw, parts, size, since = random.Random(seed), [], 0, 0
    while size < length:
        part = name(draw.randrange(names)) if draw.randrange(15) == 0 else draw.choice(WORDS)
        since += 1
        if since > 20:
            part, since = part + ".", 0
        parts.append(part)
        size += len(part) + 1
    return " ".join(parts)


def engine(folder, entries=10_000, rules=20, labels=4):
    """An engine file with a compiled gazetteer and rules of so many sizes."""
    stem = f"{folder}/{entries}-{rules}-{labels}"
    label = lambda number: f"L{number % labels}"
    with open(f"{stem}.tsv", "w") as file:
        for number in range(entries):
            file.write(f"{name(number)}\t{label(number)}\n")
    subprocess.run([PROGRAM, "gazetteer", "build", f"{stem}.tsv", "-o", f"{stem}.fst", "-q"], check=True, stdout=subprocess.DEVNULL)
    with open(f"{stem}.toml", "w") as file:
        file.write(f"labels = {json.dumps([label(n) for n in range(labels)])}\n")
        file.write(f'[[source]]\nkind = "gazetteer"\nname = "names"\nfiles = ["{stem}.fst"]\n')
        file.write('[[source]]\nkind = "rules"\nname = "patterns"\n')
        for number in range(rules):
            word = name(number * 31).split()[0]
            file.write(
                f"[[source.rule]]\nid = \"r{number}\"\ndoc = \"A word after a name.\"\nlabel = \"{label(number)}\"\n"
                f"pattern = '\\b{word} \\p{{Lu}}\\p{{Ll}}+'\nscore = 0.5\n"
                f"[[source.rule.case]]\ntext = \"the {word} Xyz\"\nfinds = [\"{word} Xyz\"]\n"
                f"[[source.rule.case]]\ntext = \"nothing\"\nfinds = []\n"
            )
        file.write('[[merge]]\npass = "combine"\n[[merge]]\npass = "threshold"\nmin = 0.3\n[[merge]]\npass = "longest"\n')
    return f"{stem}.toml"


def corpus(folder, documents, length, names=10_000):
    """A file of so many different documents."""
    path = f"{folder}/{documents}x{length}.jsonl"
    with open(path, "w") as file:
        for number in range(documents):
            file.write(json.dumps({"id": number, "text": text(length, number, names)}) + "\n")
    return path


def seconds(engine_file, path):
    """The processor time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = dict(os.environ, RAYON_NUM_THREADS="1")
    subprocess.run([PROGRAM, "tag", path, "-e", engine_file, "-o", f"{path}.out", "-q"], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def slope(points):
    """Of the line through the points that fits best on logarithmic axes."""
    logs = [(math.log(x), math.log(y)) for x, y in points]
    mx, my = (sum(values) / len(logs) for values in zip(*logs))
    return sum((x - mx) * (y - my) for x, y in logs) / sum((x - mx) ** 2 for x, _ in logs)


def plot(series, path):
    """All series beside each other, each on logarithmic axes."""
    width, height, gap = 220, 200, 50
    total = len(series) * (width + gap) + gap
    low = min(y for _, points, _ in series for _, y in points) / 1.5
    high = max(y for _, points, _ in series for _, y in points) * 1.5
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height + 90}" font-family="sans-serif" font-size="11">']
    out.append(f'<rect width="{total}" height="{height + 90}" fill="white"/>')
    for number, (title, points, gradient) in enumerate(series):
        left, top = gap + number * (width + gap), 40
        first, last = points[0][0], points[-1][0]
        x = lambda v: left + 10 + (width - 20) * math.log(v / first) / math.log(last / first)
        y = lambda v: top + height - height * math.log(v / low) / math.log(high / low)
        out.append(f'<text x="{left}" y="{top - 12}" font-weight="bold">{title}: slope {gradient:.2f}</text>')
        out.append(f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#999"/>')
        line = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="#0072b2" stroke-width="2"/>')
        for a, b in points:
            out.append(f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="#0072b2"/>')
            out.append(f'<text x="{x(a):.1f}" y="{top + height + 16}" text-anchor="middle">{a:,}</text>')
            out.append(f'<text x="{x(a):.1f}" y="{y(b) - 7:.1f}" text-anchor="middle">{b:.2f} s</text>')
    out.append("</svg>")
    with open(path, "w") as file:
        file.write("\n".join(out) + "\n")


def main(folder):
    os.makedirs(folder, exist_ok=True)
    word = f"{folder}/word.jsonl"
    with open(word, "w") as file:
        file.write('{"text": "word"}\n')
    usual = engine(folder)
    text_of = corpus(folder, 16_000, 500)
    sizes = [1, 4, 16]
    runs = {
        "bytes of one document": [(1_000_000 * n, usual, corpus(folder, 1, 1_000_000 * n)) for n in sizes],
        "documents of 500 bytes": [(4_000 * n, usual, corpus(folder, 4_000 * n, 500)) for n in sizes],
        "entries": [(1_000 * n, engine(folder, entries=1_000 * n), text_of) for n in sizes],
        "rules": [(15 * n, engine(folder, rules=15 * n), text_of) for n in sizes],
        "labels": [(2 * n, engine(folder, labels=2 * n), text_of) for n in sizes],
    }
    times = {}
    for _ in range(ROUNDS):
        for what, cases in runs.items():
            for size, engine_file, path in cases:
                taken = seconds(engine_file, path) - seconds(engine_file, word)
                times.setdefault((what, size), []).append(taken)
    series = []
    for what, cases in runs.items():
        points = [(size, max(statistics.median(times[what, size]), 1e-3)) for size, _, _ in cases]
        series.append((what, points, slope(points)))
    print("| what grows | smallest | | largest | slope |\n|---|" + "---:|" * 4)
    for what, points, gradient in series:
        cells = " | ".join(f"{size:,}: {taken:.2f} s" for size, taken in points)
        print(f"| {what} | {cells} | {gradient:.2f} |")
    plot(series, f"{folder}/scaling.svg")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    PROGRAM = os.path.abspath(sys.argv[1])
    main(os.path.abspath(sys.argv[2]))
