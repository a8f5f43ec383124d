"""Makes tests/data/span-marker/losses.json: how the library trains the models of span_marker_fixtures.py.

    python tests/parity/span_marker_losses.py

For each folder "losses", those of STEPS steps of `span_marker.Trainer` over SENTENCES as one batch, without dropout: AdamW at a
constant rate of RATE, as TrainingArguments has it otherwise (a weight decay of DECAY that biases and layer norms are spared,
gradients cut to a norm of 1). "sentences" are words and entities, the last word inside.
"""

import contextlib
import json
import os
import tempfile
import warnings
from pathlib import Path

import torch
from datasets import Dataset
from span_marker import SpanMarkerModel, Trainer
from span_marker_fixtures import CASES
from transformers import AutoConfig, AutoModel, AutoTokenizer, TrainingArguments

DATA = Path(__file__).resolve().parents[1] / "data" / "span-marker"
NAMES = ["bert", "electra", "roberta", "xlm-roberta"]
STEPS, RATE, DECAY = 10, 1e-3, 0.01
SENTENCES = [
    ("Anna Keller lives in Lisbon .".split(), [[0, 1, "PER"], [4, 4, "LOC"]]),
    ("the river Aare flows through Bern".split(), [[2, 2, "LOC"], [5, 5, "LOC"]]),
    ("nobody knows why".split(), []),
    ("in New York City Bob Lee Smith met the mayor of Lagos".split(), [[1, 3, "LOC"], [4, 6, "PER"], [11, 11, "LOC"]]),
]


def tags(words, entities, ids):
    """The tags of a sentence by number, in the scheme of the model."""
    found = [ids["O"]] * len(words)
    for first, last, label in entities:
        for word in range(first, last + 1):
            scheme = f"{'B' if word == first else 'I'}-{label}"
            found[word] = ids.get(scheme, ids.get(label))
    return found


def load(name):
    """The model of a folder; the library reads the encoder's configuration and tokenizer from a folder of its own."""
    encoder = json.loads((DATA / name / "config.json").read_text(encoding="utf-8"))["encoder"]
    AutoModel.from_config(AutoConfig.for_model(**encoder)).save_pretrained("encoder")
    AutoTokenizer.from_pretrained(DATA.parent / "architectures" / name).save_pretrained("encoder")
    return SpanMarkerModel.from_pretrained(str(DATA / name))


def losses(name):
    model = load(name)
    model.config.trained_with_document_context = False
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "dropout_prob"):
            module.dropout_prob = 0.0
    # The library's trainer reads tags as the model was first given its labels, not as they were reduced since.
    ids = {label: number for number, label in enumerate(CASES[name][2])}
    rows = [{"tokens": words, "ner_tags": tags(words, entities, ids)} for words, entities in SENTENCES]
    found = []
    model.register_forward_hook(lambda module, inputs, output: found.append(output.loss.item()))
    arguments = TrainingArguments(
        output_dir="out", max_steps=STEPS, learning_rate=RATE, weight_decay=DECAY, lr_scheduler_type="constant",
        per_device_train_batch_size=len(rows), use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True)
    Trainer(model=model, args=arguments, train_dataset=Dataset.from_list(rows)).train()
    assert len(found) == STEPS, found
    return found


def main():
    warnings.filterwarnings("ignore")
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        written = {"rate": RATE, "decay": DECAY, "sentences": SENTENCES, "losses": {name: losses(name) for name in NAMES}}
    (DATA / "losses.json").write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
