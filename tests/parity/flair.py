"""Makes tests/data/flair/: tiny random sequence taggers of Flair, and what the library computes.

    python tests/parity/flair.py [NAME ...]

Each tagger of CASES is built by flair 0.15.1 with random weights (rounded to f16 once) over vectors, character models and
BERTs that are random too, saved and loaded again by Flair, and exported by tools/export_flair.py. Beside the folder's files
stand

    reference.safetensors  "lengths" and "emissions" of the 50 texts of tests/data/architectures/texts.json, cut into words at
                           white space, one text at a time: what the last linear layer gives for each word.
    entities.json          [{"words": [...], "found": [[start, end, label], ...]}, ...]: what `SequenceTagger.predict` finds.

`vectors.txt` holds the word vectors of the case `stacked` as GloVe's text. Seeds are tried until no entity hangs on rounding.
The folder is also turned back into a tagger, which must give the same emissions.
"""

import json
import shutil
import string
import sys
import tempfile
from pathlib import Path

# The folder of this file holds one of the library's name.
sys.path = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).resolve().parent]

import flair
import torch
from flair.data import Dictionary, Sentence
from flair.embeddings import FlairEmbeddings, StackedEmbeddings, TransformerWordEmbeddings, WordEmbeddings
from flair.models import LanguageModel, SequenceTagger
from safetensors.torch import save_file
from transformers import BertConfig, BertModel, BertTokenizerFast

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import export_flair  # noqa: E402

DATA = ROOT / "tests" / "data"
OUT = DATA / "flair"
TOKENIZER = DATA / "architectures" / "bert"
TEXTS = json.loads((DATA / "architectures" / "texts.json").read_text(encoding="utf-8"))
WORDS = (
    "the of in and Anna anna keller lives Lisbon lisbon Bern river Aare Oslo oslo New York york works for mayor , . "
    "Northwind köln zürich 東京と大阪は日本の都市です。 北京 القاهرة ## 0 0000 # #,###,### #.##% x straße, dr. met was café").split()


def vectors():
    generator = torch.Generator().manual_seed(5)
    return (torch.randn(len(WORDS), 8, generator=generator) * 1.5).half().float()


def word_embeddings(stable):
    embeddings = WordEmbeddings(
        embeddings=None, vocab={word: i for i, word in enumerate(WORDS)}, embedding_length=8, name="vectors", stable=stable)
    embeddings.embedding.weight.data[:-1] = vectors()
    return embeddings


def characters(forward, layers=1, outputs=None, **options):
    dictionary = Dictionary(add_unk=True)
    for item in "\n" + " " + string.ascii_letters + string.digits + ".,:;!?'\"()-éüöäßñ東京のОсло😀":
        dictionary.add_item(item)
    lm = LanguageModel(dictionary, forward, 10, layers, embedding_size=6, nout=outputs, dropout=0.1)
    lm.eval()
    return FlairEmbeddings(lm, **options)


def transformer(length, folder, **options):
    config = BertConfig(
        vocab_size=len(BertTokenizerFast.from_pretrained(TOKENIZER)), hidden_size=12, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=16, max_position_embeddings=64)
    made = Path(folder) / f"bert-{length}-{len(list(Path(folder).iterdir()))}"
    BertModel(config).save_pretrained(made)
    BertTokenizerFast.from_pretrained(TOKENIZER).save_pretrained(made)
    return TransformerWordEmbeddings(
        str(made), transformers_tokenizer_kwargs={"model_max_length": length}, **options)


# name -> (embeddings, made in a folder; options of the tagger)
CASES = {
    "stacked": (
        lambda folder: [word_embeddings(False), characters(True), characters(False)],
        {"hidden_size": 9, "use_crf": True, "reproject_embeddings": True}),
    "transformer": (
        lambda folder: [transformer(64, folder, fine_tune=True, layers="-1", subtoken_pooling="first")],
        {"use_rnn": False, "use_crf": False, "reproject_embeddings": False}),
    "characters": (
        lambda folder: [characters(False, layers=2, outputs=7, is_lower=True, chars_per_chunk=40)],
        {"use_rnn": False, "use_crf": False, "reproject_embeddings": False, "tag_format": "BIO"}),
    "untokenized": (
        lambda folder: [characters(True, tokenized_lm=False, name="ahead"), characters(False, tokenized_lm=False, name="back")],
        {"hidden_size": 6, "rnn_layers": 2, "use_crf": False, "reproject_embeddings": False}),
    "pooling": (
        lambda folder: [
            transformer(63, folder, layers="-1,-2", layer_mean=False, subtoken_pooling="first_last"),
            transformer(63, folder, layers="all", layer_mean=True, subtoken_pooling="mean"),
            transformer(60, folder, layers="1", subtoken_pooling="last", allow_long_sentences=False),
            word_embeddings(True)],
        {"use_rnn": False, "use_crf": True, "reproject_embeddings": True}),
}


def make(name, seed, folder):
    embeddings, options = CASES[name]
    embeddings = embeddings(folder)
    stack = embeddings[0] if len(embeddings) == 1 else StackedEmbeddings(embeddings)
    labels = Dictionary(add_unk=False)
    for label in ("PER", "LOC"):
        labels.add_item(label)
    labels.span_labels = True
    tagger = SequenceTagger(stack, labels, "ner", **options)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, parameter in sorted(tagger.named_parameters()):
            if "embedding.weight" in key:
                continue
            values = torch.randn(parameter.shape, generator=generator)
            if "LayerNorm" in key and key.endswith("weight"):
                values = 1.0 + 0.1 * values
            else:
                values = (0.2 if "bias" in key else 0.5 if "linear" not in key else 0.9) * values
            if key in ("embedding2nn.weight", "linear.weight"):
                values = 2.5 * values / parameter.shape[1] ** 0.5
            if "encoder.weight" in key or "embeddings.weight" in key or "_embeddings" in key or "rnn.weight" in key:
                values = 2 * values
            parameter.copy_(torch.where(parameter.data == -10000, parameter.data, values.half().float()))
    tagger.eval()
    # As users have it: saved by the library, and read again.
    file = Path(folder) / f"{name}.pt"
    if name != "untokenized":
        tagger.save(file)
        tagger = SequenceTagger.load(file)
    else:
        # Flair forgets this one when it saves.
        tagger.embeddings.embeddings[0].with_whitespace = False
    tagger.eval()
    return tagger


def emissions_of(tagger, sentences):
    seen = []
    hook = tagger.linear.register_forward_hook(lambda module, inputs, output: seen.append(output.detach()[0]))
    for sentence in sentences:
        tagger.predict(sentence)
        sentence.clear_embeddings()
    hook.remove()
    return seen


def spans_of(sentence):
    return [[span.tokens[0].idx - 1, span.tokens[-1].idx, span.get_label("ner").value] for span in sentence.get_spans("ner")]


def decoded(tagger, emissions, sentence):
    """The entities that Flair reads of some emissions."""
    features = emissions.unsqueeze(0)
    if tagger.use_crf:
        scores = (tagger.crf(features), torch.LongTensor([len(sentence)]), tagger.crf.transitions)
        predictions, _ = tagger.viterbi_decoder.decode(scores, False, [sentence])
    else:
        predictions, _ = tagger._standard_inference(emissions, [sentence], False)
    spans = flair.data.get_spans_from_bio([tag for tag, _ in predictions[0]], [score for _, score in predictions[0]])
    return [[words[0], words[-1] + 1, label] for words, _, label in spans]


def write(name, seed):
    noise = torch.Generator().manual_seed(seed)
    words = [text.split() for text in TEXTS]
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        while True:
            seed += 100
            tagger = make(name, seed, folder)
            # Every tag is to win somewhere.
            sample = emissions_of(tagger, [Sentence(one) for one in words[:18]])
            tagger.linear.bias -= torch.cat(sample).mean(0).half().float()
            sentences = [Sentence(one) for one in words]
            rows = iter(emissions_of(tagger, sentences))
            emissions = [next(rows) if len(sentence) else None for sentence in sentences]
            found = [spans_of(sentence) for sentence in sentences]
            moved = lambda row: row + 1e-4 * (torch.rand(row.shape, generator=noise) - 0.5)
            if all(decoded(tagger, moved(row), sentence) == sorted(spans)
                   for _ in range(3) for row, sentence, spans in zip(emissions, sentences, found) if row is not None):
                break
        out = OUT / name
        shutil.rmtree(out, ignore_errors=True)
        export_flair.export(tagger, out)
        again = emissions_of(export_flair.restore(out), [Sentence(one) for one in words])
        worst = max(float((a - b).abs().max()) for a, b in zip(again, (row for row in emissions if row is not None)))
        assert worst < 1e-5, worst
    reference = {
        "lengths": torch.tensor([len(one) for one in words], dtype=torch.uint32),
        "emissions": torch.cat([row for row in emissions if row is not None])}
    save_file(reference, out / "reference.safetensors")
    cases = [{"words": one, "found": spans} for one, spans in zip(words, found)]
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (out / "entities.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    tags = reference["emissions"].argmax(1).unique().numel()
    count = sum(map(len, found))
    print(f"{name:12} {size:7d} bytes, seed {seed}, {sum(map(len, words))} words, {count} entities, {tags} tags, "
          f"back and forth {worst:.1e}")


def main():
    flair.device = torch.device("cpu")
    torch.manual_seed(1)
    OUT.mkdir(exist_ok=True)
    lines = (" ".join([word, *(f"{number:.6g}" for number in vector)]) for word, vector in zip(WORDS, vectors().tolist()))
    (OUT / "vectors.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for number, name in enumerate(CASES):
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            write(name, number)


if __name__ == "__main__":
    main()
