#!/usr/bin/env python3
"""Tags generated documents as a job that is killed again and again, and compares with one that is not.

    benches/soak/run.py [--documents 1000000] [--kills 100] [--folder DIR] [--program PATH]

Counts that every document is in the shards exactly once, and in the order of the input; that every document that is none is in
errors.jsonl exactly once; and that shards and errors are those of the run that was not killed, byte for byte. Moments and
numbers of threads are drawn from a seed, the documents too. Needs nothing but Python, and zstd for `--compress zst`. Prints
the results as JSON; the exit code is 1 where something is not as it should be.
"""

import argparse
import gzip
import hashlib
import json
import os
import platform
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# One document in so many is none.
BAD = 5_000
SYLLABLES = "ka lo mi ran dor vel tis qua ber non sil tor mar gen fel ost ul wen cha ri".split()
WORDS = "the a of in to and met from said that report market week after new over with on was for by year between city".split()


def names(chance):
    """Twenty thousand names, each of one label; one a line, as a gazetteer."""
    found = {}
    while len(found) < 20_000:
        words = range(chance.choice([1, 2, 2, 3]))
        name = " ".join("".join(chance.choices(SYLLABLES, k=chance.choice([2, 3]))).capitalize() for _ in words)
        found.setdefault(name, chance.choice(["LOC", "ORG", "PER"]))
    return found


def document(number, chance, known):
    """A line of the input; of some numbers, one that is no document."""
    if number % BAD == BAD // 2:
        return '{"id": "%d", "text": ' % number
    words = chance.choices(WORDS, k=chance.choice([8, 20, 35]))
    for _ in range(chance.choice([0, 1, 2, 3])):
        words[chance.randrange(len(words))] = chance.choice(known)
    if chance.random() < 0.2:
        words.append(f"on {chance.randint(1990, 2030)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}")
    if chance.random() < 0.1:
        words.append(f"for €{chance.randint(1, 9999)}.{chance.randint(0, 99):02}")
    return json.dumps({"id": str(number), "text": " ".join(words) + "."}, ensure_ascii=False)


def corpus(folder, documents, chance):
    """Eight files of one length, every second one compressed, with the engine beside them."""
    shutil.copy(HERE / "engine.toml", folder)
    known = names(chance)
    (folder / "names.tsv").write_text("".join(f"{name}\t{label}\n" for name, label in known.items()), encoding="utf-8")
    known = list(known)
    (folder / "in").mkdir()
    size = -(-documents // 8)
    for file in range(8):
        numbers = range(file * size, min(documents, (file + 1) * size))
        path = folder / "in" / f"{file}.jsonl{'.gz' if file % 2 else ''}"
        opened = gzip.open(path, "wt", compresslevel=1, encoding="utf-8") if file % 2 else open(path, "w", encoding="utf-8")
        with opened as out:
            out.writelines(document(number, chance, known) + "\n" for number in numbers)


def command(program, folder, output, shard_size, compress):
    return [program, "tag", "in", "-o", output, "--job", "--shard-size", shard_size, "--compress", compress,
            "-e", "engine.toml", "-q"]


def spawn(arguments, folder, threads):
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads))
    return subprocess.Popen(arguments, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def results(folder):
    """The SHA-256 of every shard and of the list of errors, by name."""
    paths = [path for path in folder.iterdir() if path.name.startswith(("part-", "errors"))]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(paths)}


def shards(folder, name):
    return sorted(path for path in folder.iterdir() if path.name.startswith(name))


def killed(arguments, folder, kills, seconds, chance):
    """Kills the job at moments drawn from the time that a run takes, then lets it end. The kills, those that hit
    a shard in the making, and the seconds all runs took together."""
    output = folder / "killed"
    done, hits, begun = 0, 0, time.monotonic()
    while True:
        child = spawn(arguments, folder, chance.choice([1, 2, 4]))
        # Mostly early, so that the work left lasts for all of them.
        wait = chance.expovariate(1.0) * seconds / max(kills, 1)
        if done < kills:
            try:
                child.wait(timeout=wait)
            except subprocess.TimeoutExpired:
                child.kill()
        code = child.wait()
        if code == 1 and (output / "job.jsonl").read_text(encoding="utf-8").endswith('{"record":"end"}\n'):
            return done, hits, time.monotonic() - begun
        if code != -9:
            raise SystemExit(f"the run ended with {code}")
        done += 1
        unfinished = output / ".unfinished"
        hits += unfinished.is_dir() and any(unfinished.iterdir())


def check_documents(folder, documents):
    """Every document once and in order; what is none, once among the errors."""
    expected = (number for number in range(documents) if number % BAD != BAD // 2)
    for path in shards(folder, "part-"):
        unpack = ["zstd", "-dc", path] if path.suffix == ".zst" else ["cat", path]
        for line in subprocess.run(unpack, capture_output=True, check=True).stdout.splitlines():
            number, wanted = int(json.loads(line)["id"]), next(expected, None)
            if number != wanted:
                raise SystemExit(f"{path}: document {number} where {wanted} was expected")
    if (missing := next(expected, None)) is not None:
        raise SystemExit(f"document {missing} is lost")
    bad = sum(1 for number in range(documents) if number % BAD == BAD // 2)
    lines = sum(1 for _ in open(folder / "errors.jsonl", encoding="utf-8"))
    if lines != bad:
        raise SystemExit(f"{lines} errors where {bad} were expected")
    return documents - bad, bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--shard-size", default="250kB")
    parser.add_argument("--compress", default="none", choices=["none", "zst"])
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--folder", help="where to work; a temporary folder where it is not said")
    parser.add_argument("--program", default=str(HERE.parent.parent / "target" / "release" / "spanloom"))
    options = parser.parse_args()
    options.program = str(Path(options.program).resolve())
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        corpus(folder, options.documents, chance)
        arguments = lambda output: command(options.program, folder, output, options.shard_size, options.compress)
        begun = time.monotonic()
        code = spawn(arguments("whole"), folder, os.cpu_count()).wait()
        seconds = time.monotonic() - begun
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        if code != 1:
            raise SystemExit(f"the run that is not killed ended with {code}")
        done, hits, seconds_killed = killed(arguments("killed"), folder, options.kills, seconds, chance)
        whole, other = results(folder / "whole"), results(folder / "killed")
        differ = sorted(name for name in whole.keys() | other.keys() if whole.get(name) != other.get(name))
        if differ:
            raise SystemExit(f"{len(differ)} files differ: {', '.join(differ[:5])}")
        documents, bad = check_documents(folder / "killed", options.documents)
        text = sum(json.loads(line)["tally"]["text_bytes"] for line in open(folder / "whole" / "job.jsonl") if '"shard"' in line)
        left = sorted(path.name for path in (folder / "killed").iterdir() if path.name not in other)
        print(json.dumps({
            "machine": f"{os.cpu_count()} cores, {platform.machine()}",
            "documents": documents,
            "errors": bad,
            "text_megabytes": round(text / 1e6, 1),
            "shards": sum(name.startswith("part-") for name in whole),
            "kills": done,
            "kills_within_a_shard": hits,
            "seconds_whole": round(seconds, 1),
            "seconds_killed": round(seconds_killed, 1),
            "peak_memory_megabytes": round(memory / 1000),
            "files_that_differ": len(differ),
            "other_files": left,
        }, indent=2))


if __name__ == "__main__":
    main()
