"""Makes tests/data/tiny-bert/: a tiny random BERT tagger with its reference outputs.

    python tests/parity/make_tiny_bert.py

Writes, as Hugging Face saves a model,

    config.json, model.safetensors (f16), tokenizer.json, tokenizer_config.json, special_tokens_map.json

of a BertForTokenClassification with random weights (hidden 32, 2 layers, 4 heads, intermediate 64, 64 positions; every
bias and layer norm is random too, so that none can be forgotten unnoticed; label O has the LAST id, so that no loader can
assume id 0), and beside them

    logits.json   {"cases": [{"name", "input_ids", "attention_mask", "token_type_ids", "logits"}]}
                  reference logits computed in f32. Padding is on the right. "logits" holds, for each row of the batch,
                  only the positions whose mask is 1 (its first sum(mask) positions), rounded to 7 significant digits.
    texts.json    {"texts": [{"name", "text", "ids", "offsets", "word_ids"}]}
                  what the fast tokenizer gives for a text: with special tokens, without truncation or padding; offsets
                  are (start, end) in code points of the original text; word_ids are null for special tokens.

The weights are drawn in f32 and rounded to f16 once; the reference computes in f32 with the rounded weights, so a loader
that upcasts the file sees exactly the same numbers. Everything is seeded: running it again gives the same bytes.
"""

import json
import random
import string
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, decoders
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

OUT = Path(__file__).resolve().parents[1] / "data" / "tiny-bert"
LABELS = ["B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-MISC", "I-MISC", "O"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = (
    "the of and in to is at on for was with from new york paris london berlin john mary smith acme corp inc "
    "united nations river lake mount bank visited works lives"
).split()
TAILS = "##ing ##er ##ed ##es ##ton ##land ##berg ##son ##ia ##corp".split()
MAX_LENGTH = 64


def vocabulary():
    pieces = list(SPECIAL)
    pieces += string.ascii_lowercase
    pieces += string.digits
    pieces += string.punctuation
    pieces += ["##" + c for c in string.ascii_lowercase + string.digits]
    pieces += WORDS + TAILS
    assert len(set(pieces)) == len(pieces)
    return {piece: i for i, piece in enumerate(pieces)}


def make_tokenizer():
    vocab = vocabulary()
    tok = Tokenizer(
        models.WordPiece(vocab, unk_token="[UNK]", continuing_subword_prefix="##", max_input_chars_per_word=100)
    )
    tok.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True
    )
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    cls, sep = vocab["[CLS]"], vocab["[SEP]"]
    tok.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", cls), ("[SEP]", sep)],
    )
    tok.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    return PreTrainedTokenizerFast(
        tokenizer_object=tok,
        model_max_length=MAX_LENGTH,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        clean_up_tokenization_spaces=False,
    )


def make_model(vocab_size):
    config = BertConfig(
        vocab_size=vocab_size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=MAX_LENGTH,
        type_vocab_size=2,
        pad_token_id=0,
        id2label=dict(enumerate(LABELS)),
        label2id={label: i for i, label in enumerate(LABELS)},
    )
    model = BertForTokenClassification(config)
    # a seed with which every label wins somewhere in logits.json and O wins most often
    generator = torch.Generator().manual_seed(58)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            values = torch.randn(parameter.shape, generator=generator)
            if name.endswith("LayerNorm.weight"):
                values = 1.0 + 0.1 * values
            elif name.endswith(".bias"):
                values = 0.1 * values
            elif "key" in name or "value" in name:
                values = 0.2 * values
            parameter.copy_(values.half().float())
    return model.eval()


def seven_digits(x):
    return float(f"{x:.7g}")


def case(model, name, rows, type_rows=None):
    width = max(len(r) for r in rows)
    ids = [r + [0] * (width - len(r)) for r in rows]
    mask = [[1] * len(r) + [0] * (width - len(r)) for r in rows]
    types = [(t + [0] * width)[:width] for t in (type_rows or [[] for _ in rows])]
    with torch.no_grad():
        logits = model(
            input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask), token_type_ids=torch.tensor(types)
        ).logits
    return {
        "name": name,
        "input_ids": ids,
        "attention_mask": mask,
        "token_type_ids": types,
        "logits": [[[seven_digits(v) for v in position] for position in row[: len(rows[b])]]
                   for b, row in enumerate(logits.tolist())],
    }


def make_cases(model, tok):
    rng = random.Random(7)
    cls, sep = tok.cls_token_id, tok.sep_token_id

    def text(s):
        return tok(s)["input_ids"]

    def noise(length):
        return [cls] + [rng.randrange(5, len(tok)) for _ in range(length - 2)] + [sep]

    return [
        case(model, "one word", [text("Paris")]),
        case(model, "one row of 12", [noise(12)]),
        case(model, "three texts padded", [
            text("John Smith lives in Berlin."),
            text("Acme"),
            text("The United Nations visited Lake Victoria & Mount Elbrus, 2019!"),
        ]),
        case(model, "four full rows of 64", [noise(64) for _ in range(4)]),
        case(model, "one row is only [CLS][SEP]", [text("Mary works at Acme Corp"), text(""), text("x")]),
        case(model, "a pair with token types", [tok("New York", "is on the river")["input_ids"]],
             [tok("New York", "is on the river", return_token_type_ids=True)["token_type_ids"]]),
    ]


TEXTS = [
    ("empty", ""),
    ("one word", "Paris"),
    ("plain", "John Smith works at Acme Corp. in New York."),
    ("spaces and line ends", "  Mary\tlives \r\n in\n\nBerlin  "),
    ("only spaces", " \t\n "),
    ("only punctuation", "?!... -- (\"'&@#$%^*)"),
    ("inner punctuation", "U.S.-based O'Neill's e-mail: a_b@c.org"),
    ("address and tag", "RT @acme_corp: https://x.example/a?b=1&c=%20 #NewYork"),
    ("numbers", "3.14% of $1,000,000 on 2019-07-04T10:00Z"),
    ("accents", "Zoë Müller à São Paulo, naïve café"),
    ("decomposed accents", "Zoe\u0308 Mu\u0308ller cafe\u0301 in Paris"),
    ("han without spaces", "北京 in 中国, the new上海bank"),
    ("emoji", "John 😀 visited 👩‍👩‍👧 Paris 🇫🇷!"),
    ("zero width and soft hyphen", "Lon\u200bdon, Ber\u00adlin, New\u00a0York, \ufeffParis\u2003Acme"),
    ("control characters", "Ma\u0000ry \u0007lives\u0085in \ufffdParis"),
    ("case folding", "İstanbul, STRASSE straße, ΟΔΥΣΣΕΥΣ, ǅ, K"),
    ("typographic", "“Acme’s” — the ‘bank’… ½ ﬁnance №5"),
    ("special tokens in text", "the [MASK] of [SEP] and [CLS] in [UNK]"),
    ("word of 100 letters, word of 101 letters", "london" * 16 + "abcd" + " in " + "london" * 16 + "abcde"),
    ("longer than the model", "John and Mary visited the river bank, the lake and Smithton. " * 8),
]


def make_texts(tok):
    out = []
    for name, text in TEXTS:
        encoding = tok.backend_tokenizer.encode(text)
        out.append({
            "name": name,
            "text": text,
            "ids": encoding.ids,
            "offsets": [list(o) for o in encoding.offsets],
            "word_ids": encoding.word_ids,
        })
    return out


def write_json(path, key, items):
    lines = ",\n".join(json.dumps(item, ensure_ascii=True, separators=(",", ":")) for item in items)
    path.write_text("{%s:[\n%s\n]}\n" % (json.dumps(key), lines), encoding="utf-8")


def main():
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    tok = make_tokenizer()
    model = make_model(len(tok))
    write_json(OUT / "logits.json", "cases", make_cases(model, tok))
    write_json(OUT / "texts.json", "texts", make_texts(tok))
    model.half().save_pretrained(OUT)
    tok.save_pretrained(OUT)
    (OUT / "model.safetensors").chmod(0o644)
    for path in sorted(OUT.iterdir()):
        print(f"{path.stat().st_size:8d} {path.name}")
    print(f"{sum(p.stat().st_size for p in OUT.iterdir()):8d} bytes in all")


if __name__ == "__main__":
    main()
