"""Makes tests/data/gliner/: tiny random GLiNER models, and what the library computes with them.

    python tests/parity/gliner.py [NAME ...]

For each name in CASES a folder as `GLiNER.save_pretrained` writes it (weights rounded to f16 once), and

    reference.safetensors  For the label sets "few" and "many" the logits of all texts one after another. Span mode: a row
                           for every word and width, [word, width, label], where a span ends beyond the text -30. Token
                           mode: [word, label, (start, end, inside)]. "lengths.SET": how many words each text has; 0
                           where it is left out: a word has no sub-words, and the library then takes the sub-words of
                           the next word for it. "many" has only the first SHORT texts.
    entities.json          "texts": the texts of architectures.py, of which "left_out" are these. "few" and "many": labels, prompts
                           (a prompt for each label), threshold, and what `inference` finds by decoding: [[start, end,
                           label, score], ...] in code points, in the order of text. "by_label": the same with a
                           threshold for each label: what the library's decoder makes of the logits where those of a
                           label that are not above its threshold are taken away.

A threshold is moved a little, and seeds are tried, until nothing hangs on rounding. Weights are seeded; the trainers of
tokenizers break ties by chance, so that folders made again differ.
"""

import json
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoTokenizer

import architectures
from gliner import GLiNER
from gliner.config import GLiNERConfig

OUT = Path(__file__).resolve().parents[1] / "data" / "gliner"
TEXTS = architectures.TEXTS
SHORT = 47
FEW = {"PER": "person", "LOC": "city or country"}
MANY = ["person", "city", "a date", "NGO/öffentliche Einrichtung", "x"]
DECODINGS = {
    "flat": {"flat_ner": True, "multi_label": False},
    "nested": {"flat_ner": False, "multi_label": False},
    "multi-label": {"flat_ner": True, "multi_label": True},
    "nested-multi-label": {"flat_ner": False, "multi_label": True},
}
BEYOND = -30.0
# Closest that a probability may come to a threshold, and scores of overlapping candidates to each other.
MARGIN = 1e-5

BERT = {**architectures.SMALL, "max_position_embeddings": 900}
DEBERTA = {
    **architectures.DEBERTA, "position_buckets": 16, "norm_rel_ebd": "layer_norm", "share_att_key": True, "type_vocab_size": 0,
    "pos_att_type": "p2c|c2p", "position_biased_input": False, "max_relative_positions": -1,
}
ENCODERS = {
    "bert": (lambda: architectures.word_piece(False), "BertTokenizerFast", {"do_lower_case": False}, BERT),
    "deberta-v2": (architectures.deberta_tokenizer, "DebertaV2TokenizerFast", {}, DEBERTA),
}

# name -> (encoder, keys of gliner_config.json, whether as safetensors)
CASES = {
    "span-deberta": ("deberta-v2", {"hidden_size": 12, "span_mode": "markerV0", "max_width": 4}, False),
    "span-bert": ("bert", {"hidden_size": 16, "span_mode": "markerV0", "max_width": 3, "num_rnn_layers": 0, "embed_ent_token": False}, True),
    "marker-bert": ("bert", {"hidden_size": 8, "span_mode": "marker", "max_width": 3}, False),
    "token-deberta": ("deberta-v2", {"hidden_size": 12, "span_mode": "token_level", "num_rnn_layers": 2}, True),
}


def build(name, source, seed):
    kind, keys, _ = CASES[name]
    tokenizer = AutoTokenizer.from_pretrained(source)
    encoder = AutoConfig.for_model(kind, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **ENCODERS[kind][3])
    config = GLiNERConfig(model_name=source, encoder_config=encoder.to_dict(), max_len=700, **keys)
    model = GLiNER.from_config(config, backbone_from_pretrained=False)
    model.config.model_name = f"a tiny random {kind}"
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.model.named_parameters()):
            values = torch.randn(parameter.shape, generator=generator)
            if "norm" in name.lower() and name.endswith("weight"):
                values = 1.0 + 0.1 * values
            elif name.endswith("bias") or ".bias_" in name:
                values = 0.2 * values
            elif "embed" in name:
                values = 0.7 * values
            else:
                values = values * 1.2 / parameter.shape[-1] ** 0.5
            parameter.copy_(values.half().float())
        centre(model)
    return model


def last_layer(model):
    if model.config.span_mode == "token_level":
        return model.model.scorer.out_mlp[3]
    layer = model.model.span_rep_layer.span_rep_layer.out_project
    return layer if isinstance(layer, torch.nn.Linear) else layer[3]


def centre(model):
    """Moves the last bias such that a small share of spans is found, of each label."""
    layer = last_layer(model)
    rows = [logits_of(model, text, MANY)[0] for text in architectures.SENTENCES]
    if model.config.span_mode == "token_level":
        sample = torch.cat([row.flatten(0, 1) for row in rows])
        layer.bias += torch.tensor([-0.7, -0.7, 0.9]) * sample.std(0) - sample.mean(0)
    else:
        sample = torch.cat([row.flatten(0, 1) for row in rows])
        batch = prepared(model, architectures.SENTENCES[0], MANY)
        prompts = model.model.prompt_rep_layer(model.run_batch(batch).prompts_embedding.clone())[0]
        layer.bias += torch.linalg.pinv(prompts) @ (-1.3 * sample.std(0) - sample.mean(0))
    layer.bias.copy_(layer.bias.half().float())


def prepared(model, text, labels):
    inputs = model.prepare_batch([text], labels)
    return model.collate_batch(inputs["input_x"], inputs["entity_types"])


def logits_of(model, text, labels):
    """The logits of a text and its tokens."""
    batch = prepared(model, text, list(labels.values()) if isinstance(labels, dict) else labels)
    logits = model.run_batch(batch).logits[0].clone()
    tokens = batch["tokens"][0]
    if model.config.span_mode != "token_level":
        for start in range(len(tokens)):
            logits[start, len(tokens) - start:] = BEYOND
    return logits, tokens


def is_left_out(model, text):
    """Whether a word has no sub-words."""
    words = [word for word, _, _ in model.data_processor.words_splitter(text)]
    encoded = model.data_processor.transformer_tokenizer(words, is_split_into_words=True) if words else None
    return bool(words) and len({word for word in encoded.word_ids() if word is not None}) < len(words)


def threshold_near(wanted, probabilities):
    """The next threshold that no probability comes close to."""
    for step in range(2000):
        threshold = round(wanted + step * 2e-5, 6)
        if float((probabilities - threshold).abs().min()) > MARGIN:
            return threshold
    raise ValueError("probabilities are everywhere")


def candidates(model, logits, labels, thresholds):
    """What the library's decoder finds where nothing forbids anything: spans with scores."""
    ids = {number + 1: label for number, label in enumerate(labels)}
    width = len(logits)
    decoder = model.decoder
    greedy, decoder.greedy_search = decoder.greedy_search, lambda spans, *_, **__: spans
    found = decoder.decode([["w"] * width], ids, kept(model, logits, thresholds)[None], threshold=min(thresholds), flat_ner=True)[0]
    decoder.greedy_search = greedy
    return found


def kept(model, logits, thresholds):
    """The logits, of each label only those above its threshold."""
    thresholds = torch.tensor(thresholds)
    if model.config.span_mode == "token_level":
        thresholds = thresholds[:, None]
    return logits.masked_fill(torch.sigmoid(logits) <= thresholds, -torch.inf)


def is_decided(found):
    """Whether overlapping candidates have the same score or clearly another."""
    for one in found:
        for other in found:
            if one.start <= other.end and other.start <= one.end and 0 < abs(one.score - other.score) < MARGIN / 4:
                return False
    return True


def try_case(name, source, seed):
    model = build(name, source, seed)
    left_out = [number for number, text in enumerate(TEXTS) if is_left_out(model, text)]
    tensors, written = {}, {"texts": len(TEXTS), "left_out": left_out}
    for title, labels, count, decodings in [("few", FEW, len(TEXTS), ["flat"]), ("many", MANY, SHORT, list(DECODINGS))]:
        names = list(labels)
        rows = []
        for number, text in enumerate(TEXTS[:count]):
            empty = not text.strip() or number in left_out
            rows.append(None if empty else logits_of(model, text, labels)[0])
        present = [row for row in rows if row is not None]
        flat = torch.cat([row.flatten() for row in present])
        probabilities = torch.sigmoid(flat)
        threshold = threshold_near(0.5, probabilities)
        if not all(is_decided(candidates(model, row, names, [threshold] * len(names))) for row in present):
            return None
        tensors[f"logits.{title}"] = flat
        tensors[f"lengths.{title}"] = torch.tensor([0 if row is None else len(row) for row in rows], dtype=torch.int32)
        one = {"labels": names, "prompts": list(labels.values()) if isinstance(labels, dict) else names, "threshold": threshold}
        for decoding in decodings:
            found = [[] if number in left_out else model.inference(text, labels, threshold=threshold, **DECODINGS[decoding])[0]
                     for number, text in enumerate(TEXTS[:count])]
            one[decoding] = [[[e["start"], e["end"], e["label"], round(e["score"], 5)] for e in entities] for entities in found]
        written[title] = one
        if title == "many":
            thresholds = [threshold_near(wanted, probabilities) for wanted in (0.3, 0.45, 0.7, 0.55, 0.6)]
            found = []
            for row, text in zip(rows, TEXTS):
                if row is None:
                    found.append([])
                    continue
                if not is_decided(candidates(model, row, names, thresholds)):
                    return None
                places = [(start, end) for _, start, end in model.data_processor.words_splitter(text)]
                ids = {number + 1: label for number, label in enumerate(names)}
                spans = model.decoder.decode([["w"] * len(places)], ids, kept(model, row, thresholds)[None],
                                             threshold=min(thresholds), flat_ner=True)[0]
                found.append([[places[s.start][0], places[s.end][1], s.entity_type, round(s.score, 5)] for s in spans])
            written["by_label"] = {"labels": names, "thresholds": thresholds, "flat": found}
    counts = {label: 0 for label in MANY}
    for entities in written["many"]["nested-multi-label"]:
        for entity in entities:
            counts[entity[2]] += 1
    total = sum(counts.values())
    different = len({json.dumps(written["many"][decoding]) for decoding in DECODINGS})
    few = sum(len(entities) for entities in written["few"]["flat"])
    if min(few / 5, *counts.values()) < 10 or total > 2500 or different < 4:
        return None
    return model, tensors, written, counts


def make(name, seed):
    kind, _, safe = CASES[name]
    folder = OUT / name
    with tempfile.TemporaryDirectory() as source:
        tokenizer, class_name, arguments, _ = ENCODERS[kind]
        architectures.make_tokenizer(tokenizer, class_name, arguments, source)
        AutoConfig.for_model(kind, **ENCODERS[kind][3]).save_pretrained(source)
        made = None
        while made is None:
            seed += 100
            made = try_case(name, source, seed)
    model, tensors, written, counts = made
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, safe_serialization=safe)
    # The folder as it is read again gives the same.
    again = GLiNER.from_pretrained(str(folder), local_files_only=True)
    first = next(text for number, text in enumerate(TEXTS) if number not in written["left_out"])
    assert torch.equal(logits_of(model, first, MANY)[0], logits_of(again, first, MANY)[0])
    for extra in folder.iterdir():
        if extra.name in ("special_tokens_map.json", "added_tokens.json", "vocab.txt", "spm.model"):
            extra.unlink()
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "reference.safetensors")
    (folder / "entities.json").write_text(json.dumps(written, ensure_ascii=False, separators=(",", ":")) + "\n")
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{name}: seed {seed}, {counts}, left out {written['left_out']}, {size / 1024:.0f} kB")


def main():
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(CASES):
        if len(sys.argv) < 2 or name in sys.argv[1:]:
            make(name, number)


if __name__ == "__main__":
    main()
