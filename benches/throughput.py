"""How fast are engines without a model? Megabytes of text a second on one core, start excluded.

    python benches/throughput.py [SPANLOOM [DATA]]

The texts are the train parts of UNER English EWT and WNUT-17 in the folder DATA (SPANLOOM_DATA, ../shared/data), eight times over, each time with
another last word so that no document is like another, once as documents of 3 kB and once as single sentences. Engines: the default engine
without its model, and its gazetteers and rules with a plain merge (combine, threshold, longest). Processor time of the whole program on one
thread, less that of the same engine over one letter; the median of five runs in turns. Then where the time goes, by `tag --profile`.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("uner_en_ewt/en_ewt-ud-train.INITIAL-COMMIT.iob2", "wnut17/wnut17train.conll")
TIMES, RUNS, BYTES = 8, 5, 3000
PLAIN = """
[[merge]]
pass = "combine"
[[merge]]
pass = "threshold"
min = 0.5
[[merge]]
pass = "longest"
"""


def write_texts(program, data, folder):
    """The documents as `(file, bytes of text)` by their name."""
    command = [program, "convert", "--to", "jsonl", "-q", *(data / part for part in PARTS)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    sentences = [json.loads(line)["text"] for line in lines]
    documents, held = [], ""
    for sentence in sentences:
        held += sentence + "\n"
        if len(held) > BYTES:
            documents.append(held)
            held = ""
    files = {}
    for name, texts in (("documents of 3 kB", documents), ("sentences", sentences)):
        path, size = folder / f"{name.split()[0]}.jsonl", 0
        with path.open("w") as file:
            for time in range(TIMES):
                for text in texts:
                    size += len(f"{text} w{time}".encode())
                    file.write(json.dumps({"text": f"{text} w{time}"}, ensure_ascii=False) + "\n")
        files[name] = (path, size)
    return files


def write_plain(folder):
    """The default engine's gazetteers and rules, and a plain merge."""
    text = (ROOT / "spanloom.toml").read_text()
    config = tomllib.loads(text)
    lines = [f"labels = {json.dumps(config['labels'])}", f"helper-labels = {json.dumps(config['helper-labels'])}"]
    for source in config["source"]:
        if source["kind"] == "model" or not source.get("enabled", True):
            continue
        lines.append("[[source]]")
        for key, value in source.items():
            if key in ("files", "common-words"):
                value = [str(ROOT / one) for one in value]
            lines.append(f"{key} = {json.dumps(value)}")
    path = folder / "plain.toml"
    path.write_text("\n".join(lines) + PLAIN)
    return path


ONE_THREAD = {**os.environ, "RAYON_NUM_THREADS": "1"}


def seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, env=ONE_THREAD)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "target/release/spanloom")
    data = Path(sys.argv[2] if len(sys.argv) > 2 else os.environ.get("SPANLOOM_DATA", ROOT.parent / "shared/data"))
    if not all((data / part).is_file() for part in PARTS):
        sys.exit(f"{data} does not hold {' and '.join(PARTS)}: name the folder by SPANLOOM_DATA")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        texts = write_texts(program, data, folder)
        letter = folder / "letter.txt"
        letter.write_text("a")
        engines = {
            "default engine without its model": ["-e", str(ROOT / "spanloom.toml"), "--without", "tagger"],
            "its gazetteers and rules, a plain merge": ["-e", str(write_plain(folder))],
        }
        taken = {(engine, name): [] for engine in engines for name in texts}
        for _ in range(RUNS):
            for engine, options in engines.items():
                command = [program, "tag", *options, "-q", "-o", os.devnull, "--format", "jsonl"]
                start = seconds([*command, str(letter)])
                for name, (path, _) in texts.items():
                    taken[engine, name].append(seconds([*command, str(path)]) - start)
        print("| engine | texts | MB | seconds | MB/s a core |\n|---|---|---:|---:|---:|")
        for (engine, name), values in taken.items():
            size, median = texts[name][1] / 1e6, statistics.median(values)
            print(f"| {engine} | {name} | {size:.1f} | {median:.2f} | {size / median:.1f} |")
        for name, (path, _) in texts.items():
            options = next(iter(engines.values()))
            command = [program, "tag", *options, "-q", "--profile", "-o", os.devnull, "--format", "jsonl", str(path)]
            told = subprocess.run(command, check=True, env=ONE_THREAD, capture_output=True, text=True).stderr
            print(f"\nThe default engine without its model over {name}:\n\n```\n{told}```")


if __name__ == "__main__":
    main()
