"""Steps of training beside PyTorch: the same model, sentences, batches and optimiser, on the same cores.

    SPANLOOM=target/release/spanloom python benches/peers/train.py FOLDER [STEPS]

FOLDER is a BERT-like encoder in the layout of Hugging Face, such as MiniLM. Sentences of 24 words are made up, 32 make a
batch; a step is forward, backward, the gradients' norm and AdamW, with dropout. Both programs run STEPS steps (20) in turns, three
times, on two threads. The table has sub-words a second, the median and the best over all steps but each run's first two.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

THREADS, BATCH, WORDS, SENTENCES, ROUNDS = 2, 32, 24, 640, 3
NAMES = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
VOCABULARY = (
    "the of and in to is at on for was with from new york paris london berlin john mary smith united nations river lake "
    "mount bank visited works lives between people while after city house morning country often children always"
).split()


def make_sentences():
    state = 1
    for _ in range(SENTENCES):
        words, tags = [], []
        for _ in range(WORDS):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            word = VOCABULARY[(state >> 33) % len(VOCABULARY)]
            words.append(word)
            tags.append("B-LOC" if word in ("paris", "london", "berlin") else "B-PER" if word in ("john", "mary") else "O")
        yield words, tags


def ours(program, folder, sentences, steps, place):
    corpus = place / "train.conll"
    corpus.write_text("".join("".join(f"{w}\t{t}\n" for w, t in zip(*s)) + "\n" for s in sentences))
    recipe = place / "recipe.toml"
    recipe.write_text(
        f'[[data.train]]\npath = "train.conll"\n[model]\nstart = {json.dumps(str(Path(folder).resolve()))}\n'
        f"[batch]\nsentences = {BATCH}\n[schedule]\nsteps = {steps}\n[output]\nfolder = \"out\"\n"
    )
    environment = {**os.environ, "RAYON_NUM_THREADS": str(THREADS)}
    subprocess.run([program, "train", str(recipe), "--device", "cpu", "-q"], check=True, env=environment, stdout=subprocess.DEVNULL)
    lines = (place / "out/training/log.jsonl").read_text().splitlines()
    return [json.loads(line)["tokens-per-second"] for line in lines]


def theirs(folder, sentences, steps):
    torch.manual_seed(1)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForTokenClassification.from_pretrained(folder, num_labels=len(NAMES), dtype=torch.float32).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-5)
    rates = []
    for step in range(steps):
        at = step * BATCH % SENTENCES
        words, tags = zip(*sentences[at : at + BATCH])
        begin = time.perf_counter()
        encoded = tokenizer(list(words), is_split_into_words=True, padding=True, return_tensors="pt")
        labels = torch.full(encoded["input_ids"].shape, -100)
        for row, row_tags in enumerate(tags):
            seen = set()
            for position, word in enumerate(encoded.word_ids(row)):
                if word is not None and word not in seen:
                    seen.add(word)
                    labels[row, position] = NAMES.index(row_tags[word])
        loss = model(**encoded, labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        loss.item()
        rates.append(int(encoded["attention_mask"].sum()) / (time.perf_counter() - begin))
    return rates


def main():
    folder = sys.argv[1]
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    program = os.environ.get("SPANLOOM", "target/release/spanloom")
    torch.set_num_threads(THREADS)
    sentences = list(make_sentences())
    rates = {"spanloom": [], f"PyTorch {torch.__version__}": []}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as place:
            rates["spanloom"] += ours(program, folder, sentences, steps, Path(place))[2:]
        rates[f"PyTorch {torch.__version__}"] += theirs(folder, sentences, steps)[2:]
    print("| | sub-words a second, median | best |\n|---|---|---|")
    for name, values in rates.items():
        print(f"| {name} | {statistics.median(values):.0f} | {max(values):.0f} |")
    mine, other = rates.values()
    print(f"\nratio: median {statistics.median(mine) / statistics.median(other):.2f}, best {max(mine) / max(other):.2f}")


if __name__ == "__main__":
    main()
