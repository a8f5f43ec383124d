"""Measures what quantisation costs: micro-F1 of the f16 original and of the shipped Q8_0 model.

    python tests/parity/quantization_loss.py --original FOLDER [--quantized models/en] [--write FOLDER]

FOLDER is the Hugging Face folder that tools/quantize_gguf.py was given. Both models are run by transformers in f32, the
second with its weights dequantised: tokens as given (is_split_into_words), whole sentences of at most 512 sub-words, the
first sub-word carries a word's label, argmax. seqeval's micro-F1 in its default mode on WNUT-17 test (emerging.test.annotated)
and dev and on UNER English-EWT test and dev, labels mapped to PER, LOC, ORG, MISC: person PER; location LOC; group and
corporation ORG; product and creative-work MISC. UNER's gold has no MISC: there predicted MISC is dropped before scoring.

--write stores each model's predictions in CoNLL columns (token, predicted tag) as NAME.original.conll and
NAME.quantized.conll in that folder (keep them out of the repository: they hold the corpora's tokens).
"""

import argparse
from pathlib import Path

import torch
from common import CORPORA, MODEL, argmax_tags, load_corpus, load_model, load_tokenizer, map_tag, word_probabilities
from seqeval.metrics import f1_score, precision_score, recall_score


def predict(folder, sentences):
    model, tokenizer = load_model(folder), load_tokenizer(folder)
    return [argmax_tags(model, words) for words in word_probabilities(model, tokenizer, sentences)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--original", type=Path, required=True)
    parser.add_argument("--quantized", type=Path, default=MODEL)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(2)

    print(f"{'corpus':18} {'model':10} {'P':>6} {'R':>6} {'F1':>6}   difference, tags that differ")
    for name, (_, _, drop) in CORPORA.items():
        corpus = load_corpus(name)
        sentences = [tokens for _, tokens, _ in corpus]
        gold = [tags for _, _, tags in corpus]
        scores, tags = [], []
        for which, folder in (("original", args.original), ("quantized", args.quantized)):
            raw = predict(folder, sentences)
            if args.write:
                args.write.mkdir(parents=True, exist_ok=True)
                lines = ("".join(f"{t}\t{p}\n" for t, p in zip(*pair)) + "\n" for pair in zip(sentences, raw))
                (args.write / f"{name}.{which}.conll").write_text("".join(lines), encoding="utf-8")
            pred = [[map_tag(t, {}, drop) for t in sentence] for sentence in raw]
            tags.append([t for sentence in pred for t in sentence])
            scores.append(100 * f1_score(gold, pred))
            row = f"{name:18} {which:10} {100 * precision_score(gold, pred):6.2f} {100 * recall_score(gold, pred):6.2f}"
            row += f" {scores[-1]:6.2f}"
            if which == "quantized":
                differing = sum(a != b for a, b in zip(*tags))
                row += f"   {scores[1] - scores[0]:+.2f}, {differing} of {len(tags[0])}"
            print(row, flush=True)


if __name__ == "__main__":
    main()
