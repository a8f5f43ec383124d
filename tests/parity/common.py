"""Shared by the parity scripts: where the corpora lie, how they are read, and how the reference model is run."""

import hashlib
import json
import os
import re
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
FIXTURES = REPO / "tests" / "data" / "parity"
MODEL = REPO / "models" / "en"
MAX_LENGTH = 512
WNUT_MAP = {
    "person": "PER", "location": "LOC", "group": "ORG", "corporation": "ORG", "product": "MISC", "creative-work": "MISC",
}
# corpus -> (file relative to the data folder, label map, labels that its gold does not have)
CORPORA = {
    "wnut17-test": ("wnut17/emerging.test.annotated", WNUT_MAP, ()),
    "wnut17-dev": ("wnut17/emerging.dev.conll", WNUT_MAP, ()),
    "uner-en-ewt-test": ("uner_en_ewt/en_ewt-ud-test.iob2", {}, ("MISC",)),
    "uner-en-ewt-dev": ("uner_en_ewt/en_ewt-ud-dev.iob2", {}, ("MISC",)),
}
TAG = re.compile(r"^(O|[A-Z]-\S+)$")


def data_folder():
    """$SPANLOOM_DATA, or shared/data beside the repository; ends the script with a plain message where it is absent."""
    folder = Path(os.environ.get("SPANLOOM_DATA") or REPO / ".." / "shared" / "data")
    if not folder.is_dir():
        sys.exit("the corpora are absent: set SPANLOOM_DATA to the data folder (default: ../shared/data beside the repository)")
    return folder


def corpus_path(relative):
    path = data_folder() / relative
    if not path.is_file():
        sys.exit(f"the corpus file {relative} is absent from the data folder")
    return path


class Sentence:
    """A sentence of a CoNLL-like file: its comment lines and its rows (lists of columns)."""

    def __init__(self, comments, rows):
        self.comments, self.rows = comments, rows

    def text(self):
        """The raw text: what stands behind `# text = `, else None."""
        for comment in self.comments:
            if comment.startswith("# text = "):
                return comment[len("# text = "):]
        return None


def columns(line):
    return line.split("\t") if "\t" in line else [cell for cell in line.split(" ") if cell]


def is_comment(line):
    """A line that starts with `#` and is no row. A token may itself start with `#`: in `#tag<TAB>O` and in `# O` the line
    ends with a tag in its last column, which no comment of the known corpora does."""
    if not line.startswith("#"):
        return False
    cells = columns(line)
    if "\t" in line:
        return line.startswith("# ") and not TAG.match(cells[-1])
    return not (len(cells) == 2 and TAG.match(cells[-1]))


def read_sentences(path):
    """All sentences of a file. A line that is empty or holds only white space (WNUT's train file has a lone TAB) ends a
    sentence. Lines end at LF only (a tweet may hold U+0085 or U+2028); a CR before it is dropped."""
    sentences, comments, rows = [], [], []
    for line in Path(path).read_text(encoding="utf-8-sig").split("\n"):
        line = line.removesuffix("\r")
        if not line.strip(" \t"):
            if rows:
                sentences.append(Sentence(comments, rows))
                comments, rows = [], []
        elif is_comment(line):
            comments.append(line)
        else:
            rows.append(columns(line))
    if rows:
        sentences.append(Sentence(comments, rows))
    return sentences


def layout(sentences):
    """(token column, tag column). UNER rows are `idx token tag - annotator` (its first export: O rows of 3 columns);
    elsewhere the token is first and the tag last."""
    numbered = all(
        len(row) >= 3 and row[0] == str(i + 1) for s in sentences for i, row in enumerate(s.rows)
    )
    return (1, 2) if numbered else (0, -1)


def map_tag(tag, labels, drop=()):
    """Renames a BIO tag's label and turns tags with dropped labels into O. `B-O` (seen in UNER's train part) is O."""
    if tag == "O" or "-" not in tag:
        return "O" if tag == "O" else tag
    prefix, label = tag.split("-", 1)
    label = labels.get(label, label)
    return "O" if label == "O" or label in drop else f"{prefix}-{label}"


def load_corpus(name):
    """[(sentence, tokens, mapped gold tags)] of a corpus in CORPORA."""
    relative, labels, _ = CORPORA[name]
    sentences = read_sentences(corpus_path(relative))
    token, tag = layout(sentences)
    return [(s, [r[token] for r in s.rows], [map_tag(r[tag], labels) for r in s.rows]) for s in sentences]


def text_hash(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def load_tokenizer(folder):
    from transformers import BertTokenizerFast

    return BertTokenizerFast(tokenizer_file=str(Path(folder) / "tokenizer.json"), model_max_length=MAX_LENGTH)


def load_model(folder):
    """A Hugging Face folder as an f32 transformers model: from model.gguf (dequantised) where it has one, else from
    model.safetensors (upcast)."""
    from transformers import BertConfig, BertForTokenClassification

    folder = Path(folder)
    config = BertConfig.from_dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    model = BertForTokenClassification(config)
    model.load_state_dict(load_tensors(folder), strict=True)
    return model.float().eval()


def load_tensors(folder):
    """The weights of a Hugging Face folder by name, in f32: from model.gguf (dequantised) where it has one, else from
    model.safetensors (upcast)."""
    import torch
    from safetensors.torch import load_file

    packed = Path(folder) / "model.gguf"
    if not packed.exists():
        return {name: t.float() for name, t in load_file(Path(folder) / "model.safetensors").items()}
    import gguf

    state = {}
    for tensor in gguf.GGUFReader(packed).tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        shape = [int(d) for d in reversed(tensor.shape)]
        state[tensor.name] = torch.from_numpy(values.reshape(shape).copy())
    return state


def word_probabilities(model, tokenizer, sentences, batch_tokens=2048):
    """For given tokens: per sentence a list with, for every token, the probabilities (a float list over the labels) at
    its first sub-word, or None where it has none (a token that the normaliser empties, or one beyond MAX_LENGTH)."""
    import torch

    encodings = [
        tokenizer(tokens, is_split_into_words=True, truncation=True, max_length=MAX_LENGTH) for tokens in sentences
    ]
    order = sorted(range(len(sentences)), key=lambda i: (len(encodings[i]["input_ids"]), i))
    results = [None] * len(sentences)
    while order:
        batch = []
        while order and (len(encodings[order[0]]["input_ids"]) * (len(batch) + 1) <= batch_tokens or not batch):
            batch.append(order.pop(0))
        width = max(len(encodings[i]["input_ids"]) for i in batch)
        inputs = {
            key: torch.tensor([encodings[i][key] + [0] * (width - len(encodings[i][key])) for i in batch])
            for key in ("input_ids", "attention_mask", "token_type_ids")  # [PAD] is 0 too
        }
        with torch.no_grad():
            probabilities = model(**inputs).logits.softmax(-1).tolist()
        for row, i in zip(probabilities, batch):
            words = [None] * len(sentences[i])
            for position, word in enumerate(encodings[i].word_ids()):
                if word is not None and words[word] is None:
                    words[word] = row[position]
            results[i] = words
    return results


def argmax_tags(model, words):
    """The tag of each token: the first of the likeliest labels; O where the token has no sub-word."""
    labels = model.config.id2label
    return ["O" if p is None else labels[p.index(max(p))] for p in words]


def write_lines(path, head, key, items):
    """JSON with the items one a line, so that a fixture's differences can be read."""
    lines = ",\n".join(json.dumps(item, separators=(",", ":")) for item in items)
    head = "".join(f"{json.dumps(k)}:{json.dumps(v)},\n" for k, v in head.items())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{%s%s:[\n%s\n]}\n" % (head, json.dumps(key), lines), encoding="utf-8")
