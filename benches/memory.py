"""How much memory does a job take? Ten million small documents, and one text of two gigabytes.

    python benches/memory.py FOLDER [SPANLOOM [ENGINE [DOCUMENTS [BYTES]]]]

FOLDER, which needs 8 GB, gets the inputs and the shards; both are removed again. The engine is the default one without its model where no engine file
is named. Of each job: what went in, what came out, seconds, and the largest resident memory of the program (`ru_maxrss`).
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORDS = (
    "Mary Smith of the United Nations went from Paris to New York last Friday and met John Brown there , while the river "
    "rose again near Old Town in Texas and nobody at Microsoft said a word about it ."
).split()


def sentence(number):
    """One that no other number gives."""
    first = number * 7 % len(WORDS)
    words = (WORDS * 2)[first : first + 8 + number % 9]
    return f"{' '.join(words)} {number}"


def write_small(path, documents):
    size = 0
    with path.open("w") as file:
        for number in range(documents):
            text = sentence(number)
            size += len(text)
            file.write(f'{{"id":"{number}","text":"{text}"}}\n')
    return size


def write_large(path, size):
    written, number = 0, 0
    with path.open("w") as file:
        while written < size:
            lines = "".join(f"{sentence(number + more)}.\n" for more in range(1000))
            file.write(lines)
            written += len(lines)
            number += 1000
    return written


def run(program, engine, path, out):
    command = [program, "tag", *engine, "-q", "--progress", "json", str(path), "-o", f"{out}/"]
    begin = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    last = process.stderr.read().splitlines()[-1]
    _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)}: {last.decode()}")
    return json.loads(last), time.perf_counter() - begin, used.ru_maxrss / 1000


def main():
    folder = Path(sys.argv[1])
    program = sys.argv[2] if len(sys.argv) > 2 else str(ROOT / "target/release/spanloom")
    own = sys.argv[3:4] if len(sys.argv) > 3 and sys.argv[3] else []
    engine = ["-e", *own] if own else ["-e", str(ROOT / "spanloom.toml"), "--without", "tagger"]
    documents = int(sys.argv[4]) if len(sys.argv) > 4 else 10_000_000
    size = int(sys.argv[5]) if len(sys.argv) > 5 else 2_000_000_000
    folder.mkdir(parents=True, exist_ok=True)
    jobs = {
        "small documents": ("small.jsonl", lambda path: write_small(path, documents)),
        "one text": ("large.txt", lambda path: write_large(path, size)),
    }
    print("| input | MB of text | documents out | entities | seconds | MB of memory |\n|---|---:|---:|---:|---:|---:|", flush=True)
    for name, (file, write) in jobs.items():
        path, out = folder / file, folder / "out"
        text = write(path)
        told, seconds, memory = run(program, engine, path, out)
        entities = sum(told["entities"].values())
        print(f"| {name} | {text / 1e6:,.0f} | {told['documents']:,} | {entities:,} | {seconds:.0f} | {memory:,.0f} |", flush=True)
        path.unlink()
        shutil.rmtree(out)


if __name__ == "__main__":
    main()
