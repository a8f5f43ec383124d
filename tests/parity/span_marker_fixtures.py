"""Makes tests/data/span-marker/: tiny random SpanMarker models as the library saves them, and what it finds with them.

    python tests/parity/span_marker_fixtures.py [NAME ...]

For each name in CASES a folder holds a random model as `SpanMarkerModel.save_pretrained` writes it (safetensors, .bin, and
.bin in shards) over a tokenizer of tests/data/architectures, and

    reference.safetensors  "words", "text" and "documents": the logits of all candidate spans that `SpanMarkerModel.predict`
                           computes for the cases of entities.json, one case after another, shape (spans, labels).
    entities.json          {"words": [{"words": [...], "found": [[start, end, label, score], ...]}, ...],
                            "text": [{"text": "...", "found": ...}, ...],
                            "documents": [{"sentences": [...], "found": [one list a sentence]}, ...]}
                           what `predict` finds: in the 50 texts of tests/data/architectures/texts.json cut into words at
                           white space, in the same texts as they are (start and end in code points, white space at the
                           edges cut off, what is then empty left out), and in documents of several sentences, given as
                           text with document_id and sentence_id.

The library leaves out what does not fit into its longest sequence, and what stands behind a padding token in the text. So a
case is cut to those words that it reads whole. It raises an error for an empty text; here nothing is found in one. No entity hangs on rounding: other seeds are tried
until it is so, and until each label is found often.
"""

import contextlib
import json
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import numpy
import torch
import transformers
from datasets import Dataset
from safetensors.torch import save_file
from span_marker import SpanMarkerModel
from transformers import AutoModel, AutoTokenizer

DATA = Path(__file__).resolve().parents[1] / "data"
OUT = DATA / "span-marker"
TEXTS = json.loads((DATA / "architectures" / "texts.json").read_text(encoding="utf-8"))
PLAIN = ["O", "PER", "LOC"]
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 24}
FIRST = [
    "Anna Keller lives in Lisbon.", "She was born near Bern.", "The river Aare flows through that town.",
    "Her brother Bob moved to Oslo.", "Nobody knows why he left.", "The mayor of Lagos met him there.",
]
DOCUMENTS = [FIRST, FIRST[:1], FIRST[2:4], FIRST[::-1] * 7]

# name -> (model type, configuration of the encoder, labels, options of SpanMarker, how it is saved)
CASES = {
    "bert": (
        "bert", {"max_position_embeddings": 258}, ["B-PER", "I-PER", "B-LOC", "I-LOC", "O"],
        {"model_max_length": 256, "max_prev_context": 1, "max_next_context": 2}, {"safe_serialization": False}),
    "roberta": (
        "roberta", {"max_position_embeddings": 1102, "type_vocab_size": 1, "layer_norm_eps": 1e-5}, PLAIN,
        {"model_max_length": 1100}, {"safe_serialization": True}),
    "xlm-roberta": (
        "xlm-roberta", {"max_position_embeddings": 130, "type_vocab_size": 1}, PLAIN,
        {"model_max_length": 128, "marker_max_length": 16, "entity_max_length": 3},
        {"safe_serialization": False, "max_shard_size": "40KB"}),
    "electra": (
        "electra", {"max_position_embeddings": 130, "embedding_size": 12}, PLAIN,
        {"model_max_length": 128, "entity_max_length": 4}, {"safe_serialization": True}),
}


class Recorder:
    """The logits of all spans, in the order in which `predict` asks for them."""

    def __init__(self, model):
        self.rows = []
        model.register_forward_hook(self.keep)

    def keep(self, model, inputs, output):
        for logits, count in zip(output.logits, output.num_marker_pairs):
            self.rows.append(logits[:count])

    def take(self):
        rows, self.rows = self.rows, []
        return torch.cat(rows)


def fitting(tokenizer, case, is_split):
    """The words of a case, or the beginning of its text, that the library reads whole; None where there is no word."""
    while case:
        encode = lambda **how: tokenizer.tokenizer([case], is_split_into_words=is_split, **how)
        encoding = encode(truncation=True, max_length=tokenizer.model_max_length)
        ids, owners = encoding["input_ids"][0], encoding.word_ids(0)
        numbers = [number for number in owners if number is not None]
        if not numbers:
            return None
        if tokenizer.pad_token_id in ids:
            last = owners[ids.index(tokenizer.pad_token_id)]
        elif len(encode()["input_ids"][0]) > tokenizer.model_max_length:
            last = max(numbers)
        else:
            return case
        case = case[:last] if is_split else case[:encoding.word_to_chars(0, last - 1).end]
    return None


def make_model(name, tokenizer, seed):
    kind, configuration, labels, options, _ = CASES[name]
    special = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "cls", "sep", "bos", "eos")}
    config = transformers.AutoConfig.for_model(
        kind, vocab_size=len(tokenizer), **{key: value for key, value in special.items() if value is not None},
        **SMALL, **configuration)
    AutoModel.from_config(config).save_pretrained("encoder")
    tokenizer.save_pretrained("encoder")
    model = SpanMarkerModel.from_pretrained("encoder", labels=labels, **options)
    model.config.trained_with_document_context = True
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, parameter in sorted(model.named_parameters()):
            values = torch.randn(parameter.shape, generator=generator)
            if "LayerNorm" in key and key.endswith("weight"):
                values = 1.0 + 0.1 * values
            elif key.endswith("bias"):
                values = 0.2 * values
            elif "embed" in key:
                values = 0.7 * values
            elif key == "classifier.weight":
                values = 0.8 * values
            else:
                values = 0.4 * values
            parameter.copy_(values)
    model.eval()
    return model


def decoded(logits, count, longest, outside):
    """The spans that a greedy choice by score takes."""
    shares = torch.softmax(torch.tensor(logits), -1)
    scores, labels = (x.tolist() for x in shares.max(-1))
    spans = [(start, end) for start in range(count) for end in range(start + 1, min(count, start + longest) + 1)]
    assert len(spans) == len(scores)
    taken, found = set(), []
    for (start, end), score, label in sorted(zip(spans, scores, labels), key=lambda one: -one[1]):
        if label != outside and not taken & set(range(start, end)):
            taken |= set(range(start, end))
            found.append((start, end, label))
    return sorted(found)


def hangs_on_rounding(model, logits, longest):
    """Whether what is found in some sentences changes with small changes of their logits."""
    noise = numpy.random.default_rng(7)
    at, outside = 0, model.config.outside_id
    for count in longest:
        spans = sum(min(model.config.entity_max_length, count - start) for start in range(count))
        one = logits[at:at + spans].numpy()
        at += spans
        found = decoded(one, count, model.config.entity_max_length, outside)
        for _ in range(3):
            moved = one + noise.uniform(-3e-5, 3e-5, one.shape).astype(numpy.float32)
            if decoded(moved, count, model.config.entity_max_length, outside) != found:
                return True
    assert at == len(logits), (at, len(logits))
    return False


def of_words(entities):
    return [[e["word_start_index"], e["word_end_index"], e["label"], round(e["score"], 6)] for e in entities]


def of_text(text, entities):
    found = []
    for entity in entities:
        start, end = entity["char_start_index"], entity["char_end_index"]
        covered = text[start:end]
        if covered.strip():
            start += len(covered) - len(covered.lstrip())
            end -= len(covered) - len(covered.rstrip())
            found.append([start, end, entity["label"], round(entity["score"], 6)])
    return found


def counts(model, cases, is_split):
    encoding = model.tokenizer.tokenizer(cases, is_split_into_words=is_split)
    return [max(n for n in encoding.word_ids(i) if n is not None) + 1 for i in range(len(cases))]


def try_seed(name, tokenizer, seed):
    model = make_model(name, tokenizer, seed)
    recorder = Recorder(model)
    words = [fitting(model.tokenizer, text.split(), True) for text in TEXTS]
    texts = [fitting(model.tokenizer, text, False) for text in TEXTS]
    given, running = [[one for one in cases if one] for cases in (words, texts)]
    # The library does not get over an entity that begins or ends with a word without sub-words.
    with contextlib.suppress(TypeError):
        model.predict(given)
    logits = recorder.take()
    with torch.no_grad():
        # Every label is to win somewhere, and most spans are to be none.
        centre = logits.mean(0)
        apart = logits - centre
        outside = model.config.outside_id
        best = torch.cat([apart[:, :outside], apart[:, outside + 1:]], 1).max(-1).values - apart[:, outside]
        centre[outside] -= best.quantile(0.8)
        model.classifier.bias -= centre
    reference, found = {}, {}
    try:
        found["words"] = iter(model.predict(given))
        reference["words"] = recorder.take()
        found["text"] = iter(model.predict(running))
        reference["text"] = recorder.take()
    except TypeError:
        return None
    places = [(number, place, sentence) for number, document in enumerate(DOCUMENTS)
              for place, sentence in enumerate(document)]
    columns = {key: list(values) for key, values in zip(("document_id", "sentence_id", "tokens"), zip(*places))}
    of_documents = iter(model.predict(Dataset.from_dict(columns)))
    reference["documents"] = recorder.take()
    entities = {
        "words": [{"words": one or [], "found": of_words(next(found["words"])) if one else []} for one in words],
        "text": [{"text": one or "", "found": of_text(one, next(found["text"])) if one else []} for one in texts],
        "documents": [{"sentences": document, "found": [of_text(one, next(of_documents)) for one in document]}
                      for document in DOCUMENTS],
    }
    sizes = {"words": counts(model, given, True), "text": counts(model, running, False),
             "documents": counts(model, columns["tokens"], False)}
    if any(hangs_on_rounding(model, reference[key], sizes[key]) for key in reference):
        return None
    labels = [e[2] for one in entities["words"] for e in one["found"]]
    if min(labels.count("PER"), labels.count("LOC")) < 20:
        return None
    return model, reference, entities


def make(name, seed):
    *_, how = CASES[name]
    tokenizer = AutoTokenizer.from_pretrained(DATA / "architectures" / name)
    made = None
    while made is None:
        seed += 100
        made = try_seed(name, tokenizer, seed)
    model, reference, entities = made
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, **how)
    for extra in ("vocab.txt", "vocab.json", "merges.txt", "README.md", "sentencepiece.bpe.model"):
        (folder / extra).unlink(missing_ok=True)
    save_file({key: value.contiguous() for key, value in reference.items()}, folder / "reference.safetensors")
    parts = [f'"{key}": [\n%s\n]' % ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
             for key, cases in entities.items()]
    (folder / "entities.json").write_text("{%s}\n" % ",\n".join(parts), encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o644)
    size = sum(path.stat().st_size for path in folder.iterdir())
    total = {key: sum(len(case["found"]) for case in cases) for key, cases in entities.items() if key != "documents"}
    total["documents"] = sum(len(one) for case in entities["documents"] for one in case["found"])
    print(f"{name:12} {size:7d} bytes, seed {seed}, spans {[len(x) for x in reference.values()]}, entities {total}, "
          f"|logit| {max(float(x.abs().max()) for x in reference.values()):.1f}")


def main():
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    names = sys.argv[1:] or list(CASES)
    OUT.mkdir(parents=True, exist_ok=True)
    # The library writes the name of the encoder's folder into config.json.
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for seed, name in enumerate(CASES):
            if name in names:
                make(name, 900 + seed)
    os.chdir(OUT)


if __name__ == "__main__":
    main()
