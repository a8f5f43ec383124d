"""Turns a sequence tagger of Flair into a folder that spanloom reads, and back.

    python tools/export_flair.py MODEL FOLDER            a tagger as Flair saves it (.pt, .bin) -> a folder
    python tools/export_flair.py --back FOLDER MODEL     a folder -> a tagger as Flair saves it
    python tools/export_flair.py --vectors FILE FOLDER   word vectors of gensim (.kv and its .npy) -> vectors.safetensors
                                                         and vocabulary.txt; needs gensim

The folder holds

    flair.json           the tags, the layers and the embeddings, in the order in which their vectors stand side by side
                         (Flair sorts them by name)
    model.safetensors    the weights by Flair's names; those of the embeddings are called embeddings.N. and then as the
                         language model or the transformer calls them
    words-N.safetensors, words-N.txt     a matrix of word vectors, and its words, one a line; the last row is for words
                         that are not there
    characters-N.json    the characters of a language model, by id
    transformer-N/       config.json and the tokenizer of a transformer

What is not supported is an error that says so: other embeddings than WordEmbeddings, FlairEmbeddings,
TransformerWordEmbeddings and stacks of them; sentences around a sentence as context (use_context); layers that are no LSTM.
MODEL is a pickle: it runs what is in it, so it must come from someone you trust. Needs flair 0.15.1, torch and safetensors.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import flair
import torch
from flair.data import Dictionary
from flair.embeddings import FlairEmbeddings, StackedEmbeddings, TransformerWordEmbeddings, WordEmbeddings
from flair.models import LanguageModel, SequenceTagger
from safetensors.torch import load_file, save_file

DROPPED = ("pooler.", "embeddings.position_ids", "embeddings.token_type_ids")


class Unsupported(Exception):
    """Something that spanloom does not read."""


def parts(embeddings, prefix="embeddings."):
    """(name, what its weights' names begin with, embeddings) of each that is no stack."""
    if isinstance(embeddings, StackedEmbeddings):
        return [part for i, one in enumerate(embeddings.embeddings) for part in parts(one, f"{prefix}list_embedding_{i}.")]
    return [(embeddings.name, prefix, embeddings)]


def save_vectors(folder, stem, words, matrix):
    """Writes a matrix and its words; the rows are those of the words, and maybe one more."""
    if any("\n" in word for word in words):
        raise Unsupported("a word that holds a line break")
    save_file({"vectors": matrix.float().contiguous()}, folder / f"{stem}.safetensors")
    (folder / f"{stem}.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8", newline="\n")
    return {"vectors": f"{stem}.safetensors", "vocabulary": f"{stem}.txt"}


def by_id(items, count):
    """A list of what has the ids 0, 1, ...; what has none is empty."""
    listed = [""] * count
    for item, number in items:
        listed[number] = item
    return listed


def words_of(embeddings, weights, folder, number):
    if embeddings.field is not None:
        raise Unsupported("vectors of another field than the word itself")
    if "layer_norm.weight" in weights:
        raise Unsupported("word vectors whose norm is trained")
    words = by_id(embeddings.vocab.items(), len(embeddings.vocab))
    described = save_vectors(folder, f"words-{number}", words, weights["embedding.weight"])
    return {"kind": "words", **described, "stable": bool(embeddings.stable)}, {}


def characters_of(embeddings, weights, folder, number):
    lm = embeddings.lm
    if getattr(lm, "recurrent_type", "LSTM").lower() != "lstm":
        raise Unsupported(f"a character model of type {lm.recurrent_type}")
    items = [(item.decode("utf-8"), i) for item, i in lm.dictionary.item2idx.items()]
    name = f"characters-{number}.json"
    listed = by_id(items, lm.encoder.num_embeddings)
    (folder / name).write_text(json.dumps(listed, ensure_ascii=False) + "\n", encoding="utf-8")
    kept = {key[len("lm."):]: value for key, value in weights.items() if not key.startswith("lm.decoder.")}
    return {
        "kind": "characters", "forward": lm.is_forward_lm, "dictionary": name, "embedding_size": lm.embedding_size,
        "hidden_size": lm.hidden_size, "layers": lm.nlayers, "outputs": lm.nout, "dropout": float(lm.dropout),
        "delimiter": getattr(lm, "document_delimiter", "\n"), "chars_per_chunk": embeddings.chars_per_chunk,
        "lower": bool(embeddings.is_lower), "tokenized": bool(embeddings.tokenized_lm),
        "whitespace": bool(embeddings.with_whitespace), "fine_tune": bool(embeddings.fine_tune)}, kept


def transformer_of(embeddings, weights, folder, number):
    if embeddings.context_length:
        raise Unsupported(f"a context of {embeddings.context_length} sub-words around a sentence")
    if hasattr(embeddings.model, "peft_config"):
        raise Unsupported("a transformer with adapters: merge them first")
    if not embeddings.tokenizer.is_fast:
        raise Unsupported(f"the slow tokenizer {type(embeddings.tokenizer).__name__}")
    name = f"transformer-{number}"
    embeddings.model.config.save_pretrained(folder / name)
    embeddings.tokenizer.save_pretrained(folder / name)
    longest = embeddings.tokenizer.model_max_length
    kept = {key[len("model."):]: value for key, value in weights.items()}
    return {
        "kind": "transformer", "folder": name, "layers": list(embeddings.layer_indexes),
        "layer_mean": bool(embeddings.layer_mean), "subtoken_pooling": embeddings.subtoken_pooling,
        "max_length": longest if embeddings.truncate else None,
        "allow_long_sentences": bool(embeddings.allow_long_sentences), "fine_tune": bool(embeddings.fine_tune),
    }, {key: value for key, value in kept.items() if not key.startswith(DROPPED)}


KINDS = [(WordEmbeddings, words_of), (FlairEmbeddings, characters_of), (TransformerWordEmbeddings, transformer_of)]


def export(tagger, folder):
    """Writes the folder of a `SequenceTagger`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if tagger.use_rnn and (tagger.rnn_type != "LSTM" or not tagger.bidirectional):
        raise Unsupported(f"a recurrent layer of type {tagger.rnn_type}, or one of one direction")
    state = {key: value.detach().cpu() for key, value in tagger.state_dict().items()}
    embeddings = sorted(parts(tagger.embeddings), key=lambda part: part[0])
    names = [name for name, _, _ in embeddings]
    if len(set(names)) < len(names):
        raise Unsupported("two embeddings of one name")
    described = []
    own = ("embedding2nn.", "rnn.", "linear.", "crf.")
    kept = {key: value for key, value in state.items() if key.startswith(own)}
    for number, (_, prefix, one) in enumerate(embeddings):
        describe = next((describe for kind, describe in KINDS if isinstance(one, kind)), None)
        if describe is None:
            raise Unsupported(f"embeddings of the class {type(one).__name__}")
        weights = {key[len(prefix):]: value for key, value in state.items() if key.startswith(prefix)}
        options, weights = describe(one, weights, folder, number)
        described.append(options)
        kept.update({f"embeddings.{number}.{key}": value for key, value in weights.items()})
    save_file({key: value.float().contiguous().clone() for key, value in kept.items()}, folder / "model.safetensors")
    rnn = {"hidden_size": tagger.hidden_size, "layers": tagger.rnn_layers} if tagger.use_rnn else None
    document = {
        "flair": {"version": flair.__version__, "tag_type": tagger.tag_type, "tag_format": tagger.tag_format},
        "tags": tagger.label_dictionary.get_items(), "crf": tagger.use_crf, "reproject": tagger.reproject_embeddings,
        "rnn": rnn, "dropout": float(tagger.use_dropout), "word_dropout": float(tagger.use_word_dropout),
        "locked_dropout": float(tagger.use_locked_dropout), "embeddings": described}
    text = json.dumps(document, indent=2, ensure_ascii=False)
    (folder / "flair.json").write_text(text + "\n", encoding="utf-8")


def dictionary_of(items):
    dictionary = Dictionary(add_unk="<unk>" in items)
    for item in items:
        dictionary.add_item(item)
    return dictionary


def words_back(options, weights, folder, name):
    words = (folder / options["vocabulary"]).read_text(encoding="utf-8").split("\n")[:-1]
    matrix = load_file(folder / options["vectors"])["vectors"]
    embeddings = WordEmbeddings(
        embeddings=None, vocab={word: i for i, word in enumerate(words)}, embedding_length=matrix.shape[1], name=name,
        stable=options["stable"])
    embeddings.embedding.weight.data[: len(matrix)] = matrix
    return embeddings


def characters_back(options, weights, folder, name):
    items = json.loads((folder / options["dictionary"]).read_text(encoding="utf-8"))
    dictionary = Dictionary(add_unk=True)
    dictionary.idx2item = [item.encode("utf-8") for item in items]
    dictionary.item2idx = {item: i for i, item in enumerate(dictionary.idx2item) if item}
    lm = LanguageModel(
        dictionary, options["forward"], options["hidden_size"], options["layers"], options["embedding_size"],
        nout=options["outputs"], document_delimiter=options["delimiter"], dropout=options["dropout"], has_decoder=False)
    lm.load_state_dict(weights)
    lm.eval()
    return FlairEmbeddings(
        lm, fine_tune=options["fine_tune"], chars_per_chunk=options["chars_per_chunk"], is_lower=options["lower"],
        tokenized_lm=options["tokenized"], with_whitespace=options["whitespace"], name=name)


def transformer_back(options, weights, folder, name):
    with tempfile.TemporaryDirectory() as made:
        from transformers import AutoConfig, AutoModel, AutoTokenizer

        model = AutoModel.from_config(AutoConfig.from_pretrained(folder / options["folder"]))
        missing, unexpected = model.load_state_dict(weights, strict=False)
        missing = [key for key in missing if not key.startswith(DROPPED)]
        if missing or unexpected:
            raise Unsupported(f"weights of a transformer that do not fit: {missing} {unexpected}")
        model.save_pretrained(made)
        AutoTokenizer.from_pretrained(folder / options["folder"]).save_pretrained(made)
        return TransformerWordEmbeddings(
            made, fine_tune=options["fine_tune"], layers=",".join(map(str, options["layers"])),
            layer_mean=options["layer_mean"], subtoken_pooling=options["subtoken_pooling"],
            allow_long_sentences=options["allow_long_sentences"], use_context_separator=False, name=name)


BACK = {"words": words_back, "characters": characters_back, "transformer": transformer_back}


def restore(folder):
    """The `SequenceTagger` of a folder."""
    folder = Path(folder)
    document = json.loads((folder / "flair.json").read_text(encoding="utf-8"))
    state = load_file(folder / "model.safetensors")
    embeddings = []
    for number, options in enumerate(document["embeddings"]):
        prefix = f"embeddings.{number}."
        weights = {key[len(prefix):]: value for key, value in state.items() if key.startswith(prefix)}
        embeddings.append(BACK[options["kind"]](options, weights, folder, f"{number:03}-{options['kind']}"))
    stack = embeddings[0] if len(embeddings) == 1 else StackedEmbeddings(embeddings, overwrite_names=False)
    rnn = document["rnn"] or {}
    tagger = SequenceTagger(
        stack, dictionary_of(document["tags"]), document["flair"]["tag_type"], tag_format=document["flair"]["tag_format"],
        use_rnn=bool(rnn), hidden_size=rnn.get("hidden_size", 256), rnn_layers=rnn.get("layers", 1),
        use_crf=document["crf"], reproject_embeddings=document["reproject"], dropout=document["dropout"],
        word_dropout=document["word_dropout"], locked_dropout=document["locked_dropout"], init_from_state_dict=True)
    own = {key: value for key, value in state.items() if not key.startswith("embeddings.")}
    missing, unexpected = tagger.load_state_dict(own, strict=False)
    missing = [key for key in missing if not key.startswith("embeddings.")]
    if missing or unexpected:
        raise Unsupported(f"weights that do not fit: {missing} {unexpected}")
    tagger.eval()
    return tagger


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--back", action="store_true", help="from a folder to a tagger as Flair saves it")
    way.add_argument("--vectors", action="store_true", help="word vectors of gensim instead of a tagger")
    parser.add_argument("source")
    parser.add_argument("target")
    args = parser.parse_args()
    try:
        if args.back:
            restore(args.source).save(args.target)
        elif args.vectors:
            from gensim.models import KeyedVectors

            vectors = KeyedVectors.load(args.source)
            folder = Path(args.target)
            folder.mkdir(parents=True, exist_ok=True)
            words = by_id(vectors.key_to_index.items(), len(vectors.key_to_index))
            made = save_vectors(folder, "vectors", words, torch.tensor(vectors.vectors))
            print(" and ".join(made.values()), "written to", folder)
        else:
            export(SequenceTagger.load(args.source), args.target)
    except Unsupported as error:
        sys.exit(f"not supported: {error}")


if __name__ == "__main__":
    main()
