"""Loads an adapter that `spanloom train` made (a recipe with [lora]) with peft and compares what it says with ours.

    python tests/parity/adapter.py ADAPTER [SPANLOOM]

ADAPTER is the folder of the adapter; the model that it changes is where its adapter_config.json says. Thirty sentences are tagged by
`spanloom tag --model ADAPTER` (SPANLOOM, default target/release/spanloom) and by peft and transformers; the mentions and the mean
probabilities of their words must agree. The model may be a quantised one (model.gguf). Needs torch, transformers and peft.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from common import load_tensors
from peft import PeftModel
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer

WORDS = "floods in New Orleans and Mexico City after the storm ; Anna met John Smith of the United Nations near Lake Como , Oslo .".split()


def sentences():
    state = 7
    for _ in range(30):
        words = []
        for _ in range(14):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            words.append(WORDS[(state >> 33) % len(WORDS)])
        yield words


def main():
    folder = Path(sys.argv[1])
    program = sys.argv[2] if len(sys.argv) > 2 else "target/release/spanloom"
    base = folder / json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"]
    config = AutoConfig.from_pretrained(folder)
    model = AutoModelForTokenClassification.from_config(config)
    # The head is the adapter's own.
    heads = json.loads((folder / "adapter_config.json").read_text())["modules_to_save"]
    of_base = {name: tensor for name, tensor in load_tensors(base).items() if name.split(".")[0] not in heads}
    model.load_state_dict(of_base, strict=False)
    model = PeftModel.from_pretrained(model, folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(base)
    names = [config.id2label[i] for i in range(len(config.id2label))]
    all_words = list(sentences())
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "in.conll"
        path.write_text("".join("".join(f"{word}\tO\n" for word in words) + "\n" for words in all_words))
        ran = subprocess.run([program, "tag", "--model", str(folder), "--format", "jsonl", str(path)], check=True, capture_output=True)
    ours = [json.loads(line) for line in ran.stdout.decode().splitlines()]
    most, count = 0.0, 0
    for words, document in zip(all_words, ours, strict=True):
        encoded = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            shares = model(**encoded).logits[0].softmax(-1)
        firsts = {}
        for position, word in enumerate(encoded.word_ids()):
            if word is not None:
                firsts.setdefault(word, position)
        tags = [names[shares[firsts[i]].argmax()] for i in range(len(words))]
        expected, start = [], None
        for i, tag in enumerate([*tags, "O"]):
            label = tag[2:]
            if start is not None and (tag == "O" or tag[0] == "B" or label != start[1]):
                expected.append((start[0], i, start[1]))
                start = None
            if start is None and tag != "O":
                start = (i, label)
        edges = [0]
        for word in words:
            edges.append(edges[-1] + len(word) + 1)
        found = [(edges.index(e["start"]), edges.index(e["end"] + 1), e["label"]) for e in document["entities"]]
        assert found == expected, (words, found, expected)
        for (first, last, label), entity in zip(found, document["entities"]):
            inside = [i for i, name in enumerate(names) if name[2:] == label]
            mean = sum(float(shares[firsts[i], inside].sum()) for i in range(first, last)) / (last - first)
            most, count = max(most, abs(mean - entity["score"])), count + 1
    print(f"{count} entities in {len(all_words)} sentences are the same; their scores differ by {most:.1e} at most")


if __name__ == "__main__":
    main()
