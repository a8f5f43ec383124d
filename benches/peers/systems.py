"""Systems beside their own libraries: the same folder, the same texts, one core.

    SPANLOOM=target/release/spanloom taskset -c 1 python benches/peers/systems.py [--texts N] [--join M] [--precision P] SYSTEM[=FOLDER] ...

SYSTEM is one of

    gliner-deberta   GLiNER, spans, of the size of gliner_small-v2.1: DeBERTa v3 of 6 layers of 768, five labels
    gliner-bert      the same over a BERT of 6 layers of 384
    span-marker      SpanMarker over a BERT of 6 layers of 384, candidates of up to 8 words
    modernbert       a token classifier of the size of ModernBERT-base, 22 layers of 768, beside the pipeline of transformers
    flair            Flair: character models of 1,024 numbers in both directions (the size of news-forward-fast), BiLSTM-CRF of 256

and is made with random weights where FOLDER names none that the library loads (not for flair). Texts are the first N
(200) of WNUT-17's dev part (SPANLOOM_DATA, default ../shared/data), M (1) of them joined to one. The library gets them in batches of 1, 8 and 32, sorted by
length, and its best counts; ours all at once, in the precision P (f32), less what a run over one text takes, which loads as much.
Three rounds, in turns. The table has texts a second, the median, and in how many texts both find the same.

Needs torch, transformers 4.57.6, gliner 0.2.29, span-marker 1.8.1 and flair 0.15.1.
"""

import argparse
import json
import os
import statistics
import string
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
os.environ["TQDM_DISABLE"] = "1"

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoConfig, AutoModel, AutoModelForTokenClassification, AutoTokenizer, BertTokenizerFast, DebertaV2TokenizerFast,
    PreTrainedTokenizerFast, pipeline)

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("SPANLOOM", ROOT / "target/release/spanloom")
DATA = Path(os.environ.get("SPANLOOM_DATA", ROOT / "../shared/data"))
LABELS = ["person", "location", "organization", "product", "creative work"]
ROUNDS, BATCHES = 3, (1, 8, 32)
BERT = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
# Those of microsoft/deberta-v3-small.
DEBERTA = {
    "hidden_size": 768, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 3072, "relative_attention": True,
    "position_buckets": 256, "norm_rel_ebd": "layer_norm", "share_att_key": True, "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0,
    "position_biased_input": False, "max_relative_positions": -1, "layer_norm_eps": 1e-7, "max_position_embeddings": 512,
}
TAGS = ["O", *(f"{begin}-{label}" for label in ("PER", "LOC", "ORG") for begin in "BI")]


def texts(count):
    blocks = (DATA / "wnut17/emerging.dev.conll").read_text(encoding="utf-8").split("\n\n")
    rows = [[line.split("\t")[0] for line in block.split("\n") if line.strip()] for block in blocks]
    return [" ".join(words) for words in rows if words][:count]


def tokenizer_of(kind):
    """One that is trained on the texts, so that words have about as many sub-words as with that of a real model."""
    bert = kind == "bert"
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    if bert:
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=4000, special_tokens=special, show_progress=False)
    else:
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=4000, special_tokens=special, unk_token="[UNK]", show_progress=False)
    tokenizer.train_from_iterator(texts(None), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")])
    return (BertTokenizerFast if bert else DebertaV2TokenizerFast)(tokenizer_object=tokenizer)


def make_gliner(folder, kind):
    from gliner import GLiNER
    from gliner.config import GLiNERConfig

    source = str(folder / "tokenizer")
    tokenizer = tokenizer_of(kind)
    tokenizer.save_pretrained(source)
    encoder = AutoConfig.for_model("bert" if kind == "bert" else "deberta-v2", vocab_size=len(tokenizer), pad_token_id=0,
                                   **(BERT if kind == "bert" else DEBERTA))
    keys = {"hidden_size": 384 if kind == "bert" else 512, "span_mode": "markerV0", "max_width": 12, "max_len": 384}
    config = GLiNERConfig(model_name=source, encoder_config=encoder.to_dict(), **keys)
    model = GLiNER.from_config(config, backbone_from_pretrained=False)
    model.save_pretrained(folder / "model")
    return folder / "model"


def make_span_marker(folder):
    from span_marker import SpanMarkerModel

    tokenizer = tokenizer_of("bert")
    encoder = AutoConfig.for_model("bert", vocab_size=len(tokenizer), max_position_embeddings=512, **BERT)
    tokenizer.save_pretrained(folder / "encoder")
    AutoModel.from_config(encoder).save_pretrained(folder / "encoder")
    model = SpanMarkerModel.from_pretrained(
        str(folder / "encoder"), labels=["O", "PER", "LOC", "ORG"], model_max_length=256, marker_max_length=128, entity_max_length=8)
    model.save_pretrained(folder / "model")
    AutoTokenizer.from_pretrained(folder / "encoder").save_pretrained(folder / "model")
    return folder / "model"


def make_modernbert(folder):
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer_of("bert").backend_tokenizer, model_input_names=["input_ids", "attention_mask"],
        model_max_length=8192, **special)
    # Its other defaults are those of ModernBERT-base.
    ids = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
    config = AutoConfig.for_model("modernbert", vocab_size=len(tokenizer), **ids, id2label=dict(enumerate(TAGS)),
                                  label2id={tag: number for number, tag in enumerate(TAGS)})
    AutoModelForTokenClassification.from_config(config).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return folder / "model"


def make_flair(folder):
    from flair.data import Dictionary
    from flair.embeddings import FlairEmbeddings, StackedEmbeddings
    from flair.models import LanguageModel, SequenceTagger

    sys.path.insert(0, str(ROOT / "tools"))
    import export_flair

    characters, labels = Dictionary(add_unk=True), Dictionary(add_unk=False)
    for character in "\n" + string.printable:
        characters.add_item(character)
    for label in ("PER", "LOC", "ORG"):
        labels.add_item(label)
    labels.span_labels = True
    models = [LanguageModel(characters, forward, 1024, 1, embedding_size=100).eval() for forward in (True, False)]
    embeddings = StackedEmbeddings([FlairEmbeddings(model) for model in models])
    tagger = SequenceTagger(embeddings, labels, "ner", hidden_size=256, use_crf=True).eval()
    tagger.save(folder / "tagger.pt")
    export_flair.export(tagger, folder / "model")
    return folder / "model"


def in_batches(all_texts, size, answer):
    order = sorted(range(len(all_texts)), key=lambda number: len(all_texts[number]))
    found = [None] * len(all_texts)
    for begin in range(0, len(order), size):
        members = order[begin : begin + size]
        for number, entities in zip(members, answer([all_texts[number] for number in members])):
            found[number] = entities
    return found


class Gliner:
    def __init__(self, folder):
        from gliner import GLiNER

        self.model = GLiNER.from_pretrained(str(folder), load_tokenizer=True, local_files_only=True).eval()

    def run(self, all_texts, size):
        return in_batches(all_texts, size, self.answer)

    def answer(self, batch):
        found = self.model.inference(batch, LABELS, threshold=0.5, batch_size=len(batch))
        return [sorted((e["start"], e["end"], e["label"]) for e in entities) for entities in found]


class SpanMarker:
    def __init__(self, folder):
        from span_marker import SpanMarkerModel

        self.model = SpanMarkerModel.from_pretrained(str(folder)).eval()

    def run(self, all_texts, size):
        def answer(batch):
            found = self.model.predict(batch, batch_size=size, show_progress_bar=False)
            return [sorted((e["char_start_index"], e["char_end_index"], e["label"]) for e in entities) for entities in found]

        return in_batches(all_texts, size, answer)


class Pipeline:
    def __init__(self, folder):
        self.pipeline = pipeline("token-classification", str(folder), aggregation_strategy="first", device="cpu")

    def run(self, all_texts, size):
        def answer(batch):
            found = self.pipeline(batch, batch_size=size)
            return [sorted((e["start"], e["end"], e["entity_group"]) for e in entities) for entities in found]

        return in_batches(all_texts, size, answer)


class Flair:
    def __init__(self, folder):
        from flair.models import SequenceTagger

        self.model = SequenceTagger.load(folder.parent / "tagger.pt").eval()

    def run(self, all_texts, size):
        from flair.data import Sentence

        sentences = [Sentence(text.split()) for text in all_texts]
        self.model.predict(sentences, mini_batch_size=size)

        def spans(text, sentence):
            words = text.split()
            place = lambda word: sum(len(word) + 1 for word in words[:word])
            for span in sentence.get_spans("ner"):
                first, last = span.tokens[0].idx - 1, span.tokens[-1].idx - 1
                yield place(first), place(last) + len(words[last]), span.get_label("ner").value

        return [sorted(spans(text, sentence)) for text, sentence in zip(all_texts, sentences)]


def ours(place, folder, all_texts, labels, precision):
    """What is found, and seconds. Flair is given words, so ours is; SpanMarker and the pipeline read a text at once, where ours would read
    each sentence for itself."""
    documents = place / "texts.jsonl"
    has_words = (folder / "flair.json").exists()
    rows = ({"tokens": text.split()} if has_words else {"text": text} for text in all_texts)
    documents.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = [PROGRAM, "tag", "-q", "--precision", precision, documents]
    config = json.loads((folder / "config.json").read_text()) if (folder / "config.json").exists() else {}
    if config.get("model_type") in ("span-marker", "modernbert"):
        tags = (config.get("id2label") or config["encoder"]["id2label"]).values()
        names = {tag.removeprefix("B-").removeprefix("I-") for tag in tags}
        engine = place / "engine.toml"
        engine.write_text(
            f"labels = {json.dumps(sorted(names - {'O'}))}\n[[source]]\nkind = 'model'\nname = 'model'\n"
            f"path = {json.dumps(str(folder.resolve()))}\ncontext = 'document'\n")
        command += ["--engine", engine]
    else:
        command += ["--model", folder]
    command += ["--input-format", "tokens-jsonl"] if has_words else []
    command += ["--labels", ",".join(labels)] if labels else []
    begin = time.perf_counter()
    lines = subprocess.run(command, check=True, capture_output=True, env={**os.environ, "RAYON_NUM_THREADS": "1"}).stdout
    seconds = time.perf_counter() - begin
    found = [json.loads(line)["entities"] for line in lines.splitlines()]
    return [sorted((e["start"], e["end"], e["label"]) for e in entities) for entities in found], seconds


SYSTEMS = {
    "gliner-deberta": (lambda folder: make_gliner(folder, "deberta"), Gliner, LABELS),
    "gliner-bert": (lambda folder: make_gliner(folder, "bert"), Gliner, LABELS),
    "span-marker": (make_span_marker, SpanMarker, None),
    "modernbert": (make_modernbert, Pipeline, None),
    "flair": (make_flair, Flair, None),
}


def compare(name, folder, all_texts, precision, place):
    make, library, labels = SYSTEMS[name]
    folder = Path(folder) if folder else make(place)
    model = library(folder)
    rates = {size: [] for size in BATCHES}
    mine = []
    for _ in range(ROUNDS):
        for size in BATCHES:
            begin = time.perf_counter()
            theirs = model.run(all_texts, size)
            rates[size].append(len(all_texts) / (time.perf_counter() - begin))
        _, loading = ours(place, folder, all_texts[:1], labels, precision)
        found, seconds = ours(place, folder, all_texts, labels, precision)
        mine.append((len(all_texts) - 1) / (seconds - loading))
    size, best = max(((size, statistics.median(of_size)) for size, of_size in rates.items()), key=lambda pair: pair[1])
    same = sum(a == b for a, b in zip(found, theirs))
    told = f"{same} of {len(found)}, {sum(map(len, found))} entities"
    rate = statistics.median(mine)
    print(f"| {name} | {precision} | {rate:.1f} | {best:.1f} ({size}) | {rate / best:.2f} | {told} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--join", type=int, default=1)
    parser.add_argument("--precision", default="f32")
    parser.add_argument("systems", nargs="+", metavar="SYSTEM[=FOLDER]")
    arguments = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    alone = texts(arguments.texts)
    all_texts = [" ".join(alone[at : at + arguments.join]) for at in range(0, len(alone), arguments.join)]
    print("| system | precision | ours, texts a second | library (batch) | ratio | the same entities |\n|---|---|---:|---:|---:|---|")
    for system in arguments.systems:
        name, _, folder = system.partition("=")
        if name not in SYSTEMS:
            parser.error(f"unknown system '{name}', expected one of {', '.join(SYSTEMS)}")
        with tempfile.TemporaryDirectory() as place, torch.inference_mode():
            compare(name, folder, all_texts, arguments.precision, Path(place))


if __name__ == "__main__":
    main()
