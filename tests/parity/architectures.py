"""Makes tests/data/architectures/: a tiny random token classifier of each architecture, and what transformers computes.

    python tests/parity/architectures.py [NAME ...]

Writes `texts.json`, the 50 texts that all are run on; `deberta-buckets.json`, the bucket of each distance from 0 on where
there are 256 buckets for 512 positions, as in DeBERTa-v3; and for each name in CASES a folder with a random checkpoint as
`save_pretrained` writes it (weights rounded to f16 once; safetensors, safetensors in shards, .bin and .bin in shards), its
tokenizer, trained on these texts, and

    reference.safetensors  "lengths" (one number a row), "ids" and "logits" of all rows one after another, special tokens
                           included. The rows are first the texts, then the texts cut into words at white space, as the
                           tokenizer of the saved folder gives them (the second with is_split_into_words=True).
                           Logits are computed in f32 from the rounded weights, one row at a time.
    entities.json          {"words": [[[start, end, label], ...], ...]}  the entities over the words of each text: the tag
                           of a word is that of its first sub-word, and seqeval's default mode reads the tags.
                           {"text": [...]}  what the pipeline with aggregation_strategy="first" finds in each text, in code
                           points and without white space at the edges; null where its way to find words is not ours:
                           where white space is not only single spaces, and where two sub-words begin at one place or
                           one stands for white space alone.

A word that the tokenizer makes nothing of is left out of the words. Weights are seeded; the trainers of tokenizers break
ties by chance, so that folders made again differ in their sub-words and in all that follows from them.
"""

import json
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from seqeval.metrics.sequence_labeling import get_entities
from tokenizers import (
    Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers,
)
from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

OUT = Path(__file__).resolve().parents[1] / "data" / "architectures"
LABELS = ("PER", "LOC")
LIMIT = 1100

SENTENCES = [
    "Anna Keller lives in Lisbon and works for Northwind.",
    "The river Aare flows through Bern.",
    "Dr. Okafor met the mayor of Lagos on Tuesday, 4 March 2025.",
    "Nobody knows why the old bridge at Mostar was closed again.",
    "In Reykjavík, Björk Guðmundsdóttir sang about the sea.",
    "São Tomé and Príncipe lies west of Gabon.",
    "Heute fährt Frau Müller-Lüdenscheidt von Köln nach Zürich.",
    "Élodie a quitté Besançon pour l’Île-de-France.",
    "Владимир живёт в Новосибирске.",
    "Η Ελένη ζει στη Θεσσαλονίκη.",
    "東京と大阪は日本の都市です。",
    "北京 in China and 서울 in Korea are capitals.",
    "القاهرة عاصمة مصر",
    "दिल्ली भारत की राजधानी है।",
    "She tweeted: @mayor_ann we need water in #PortAuPrince now!!!",
    "See https://example.org/maps?q=Oslo&lang=no for the map of Oslo.",
    "e-mail anna.keller@example.org or call +41 31 555 01 02",
    "U.S. and U.K. officials, e.g. J. R. Smith-Jones III, met in D.C.",
]
ODD = [
    "",
    "Lisbon",
    "x",
    ".",
    "?!... -- (\"'&@#$%^*)",
    "3.14% of $1,000,000 on 2019-07-04T10:00Z",
    "Anna\tKeller\tLisbon\nBob\tMeyer\tOslo\n",
    "  two  spaces   and more    here  ",
    "one line\r\nanother line\n\n\nand a last one",
    "Zoe\u0308 Mu\u0308ller drank a cafe\u0301 in Malmo\u0308",
    "a\u0301\u0323\u0308 x\u0336y\u0336 \u0301alone",
    "Anna 😀 in Oslo 🇳🇴 with 👩‍👩‍👧‍👦 and 👍🏽!",
    "🎉🎉🎉",
    "Lis\u200bbon, Ber\u00adlin, New\u00a0York, \u2003Oslo\u3000Bern",
    "control\u0007character in\u0000side and \ufffd there",
    "İstanbul, STRASSE straße, ΟΔΥΣΣΕΥΣ, ǅ, \u212a, ﬁnance, ½, №5, Ⅳ, ｆｕｌｌ",
    "“Anna’s” — the ‘bank’… and «Bern»",
    "the <s> and </s> and <pad> and [CLS] and [MASK] of Bern",
    "Rhabarberbarbarabarbarbarenbartbarbierbierbarbärbel" * 2,
    "ANNA KELLER LIVES IN LISBON",
    "anna keller lives in lisbon",
    "Anna,Bob;Carla/Dora|Emil",
    "don't can't won't it's they're we'll I'd",
    "New York New York New York",
    "ab " * 40 + "cd",
    "ไทยแลนด์ กรุงเทพ",
    "𝔄𝔫𝔫𝔞 𝕃𝕚𝕤𝕓𝕠𝕟",
    "1 2 3 4 5 6 7 8 9 10 11 12",
    "#Oslo#Bern @anna@bob",
]
LONG = [
    " ".join(SENTENCES[:8]),
    " ".join(("Anna Keller lives in Oslo and works for the mayor of Bern . " * 50).split()[:600]),
    "Anna Keller lives in Oslo. " * 6,
]
TEXTS = SENTENCES + ODD + LONG


def names(scheme):
    prefixes = {"bio": "BI", "bioes": "BIES", "bilou": "BILU", "io": "I"}[scheme]
    return [f"{prefix}-{label}" for label in LABELS for prefix in prefixes] + ["O"]


def word_piece(lowercase):
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tok.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tok.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=700, special_tokens=special, show_progress=False))
    tok.decoder = decoders.WordPiece()
    return wrapped(tok, "[CLS]", "[SEP]")


def wrapped(tok, before, after):
    special = [(token, tok.token_to_id(token)) for token in (before, after)]
    tok.post_processor = processors.TemplateProcessing(
        single=f"{before} $A {after}", pair=f"{before} $A {after} $B {after}", special_tokens=special)
    return tok


def byte_level(special, prefix_space):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    tok.train_from_iterator(TEXTS, trainers.BpeTrainer(
        vocab_size=600, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tok.decoder = decoders.ByteLevel()
    return tok


def unigram(special, unknown, split_first):
    tok = Tokenizer(models.Unigram())
    parts = [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    space = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    if split_first:
        tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), space])
    else:
        parts.insert(0, normalizers.Strip())
        tok.pre_tokenizer = space
    tok.normalizer = normalizers.Sequence(parts)
    tok.train_from_iterator(TEXTS, trainers.UnigramTrainer(
        vocab_size=900, special_tokens=special, unk_token=unknown, show_progress=False))
    tok.decoder = decoders.Metaspace()
    return tok


def roberta_tokenizer():
    tok = byte_level(["<s>", "<pad>", "</s>", "<unk>", "<mask>"], True)
    ends = [(token, tok.token_to_id(token)) for token in ("</s>", "<s>")]
    tok.post_processor = processors.RobertaProcessing(*ends, trim_offsets=True, add_prefix_space=True)
    return tok


def xlm_tokenizer():
    return wrapped(unigram(["<s>", "<pad>", "</s>", "<unk>", "<mask>"], "<unk>", True), "<s>", "</s>")


def camembert_tokenizer():
    special = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>", "<mask>"]
    return wrapped(unigram(special, "<unk>", True), "<s>", "</s>")


def deberta_tokenizer():
    return wrapped(unigram(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"], "[UNK]", False), "[CLS]", "[SEP]")


def modern_tokenizer():
    tok = byte_level(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"], False)
    tok.normalizer = normalizers.NFC()
    return wrapped(tok, "[CLS]", "[SEP]")


SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 24}
DEBERTA = {**SMALL, "max_position_embeddings": 64, "relative_attention": True, "layer_norm_eps": 1e-7}
MODERN = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
MODERN["model_input_names"] = ["input_ids", "attention_mask"]

# name -> (model type, tokenizer, its class, its arguments, configuration, scheme, how it is saved)
CASES = {
    "bert": (
        "bert", lambda: word_piece(False), "BertTokenizerFast", {"do_lower_case": False},
        {**SMALL, "max_position_embeddings": LIMIT}, "bio", {}),
    "roberta": (
        "roberta", roberta_tokenizer, "RobertaTokenizerFast", {"add_prefix_space": True},
        {**SMALL, "max_position_embeddings": LIMIT + 2, "type_vocab_size": 1, "layer_norm_eps": 1e-5},
        "bio", {"max_shard_size": "40KB"}),
    "xlm-roberta": (
        "xlm-roberta", xlm_tokenizer, "XLMRobertaTokenizerFast", {},
        {**SMALL, "max_position_embeddings": LIMIT + 2, "type_vocab_size": 1, "layer_norm_eps": 1e-5}, "bioes", {}),
    "camembert": (
        "camembert", camembert_tokenizer, "CamembertTokenizerFast", {},
        {**SMALL, "max_position_embeddings": LIMIT + 2, "type_vocab_size": 1, "hidden_act": "gelu_new"}, "io", {}),
    "distilbert": (
        "distilbert", lambda: word_piece(True), "DistilBertTokenizerFast", {},
        {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 24, "max_position_embeddings": LIMIT}, "bilou",
        {"safe_serialization": False}),
    "electra": (
        "electra", lambda: word_piece(True), "ElectraTokenizerFast", {},
        {**SMALL, "embedding_size": 12, "max_position_embeddings": LIMIT, "hidden_act": "silu"}, "bio",
        {"safe_serialization": False, "max_shard_size": "30KB"}),
    "deberta-v3": (
        "deberta-v2", deberta_tokenizer, "DebertaV2TokenizerFast", {},
        {**DEBERTA, "position_buckets": 16, "norm_rel_ebd": "layer_norm", "share_att_key": True,
         "pos_att_type": "p2c|c2p", "position_biased_input": False, "type_vocab_size": 0, "max_relative_positions": -1},
        "bio", {}),
    "deberta-v2-convolution": (
        "deberta-v2", deberta_tokenizer, "DebertaV2TokenizerFast", {},
        {**DEBERTA, "position_buckets": 16, "norm_rel_ebd": "layer_norm", "share_att_key": False, "conv_kernel_size": 3, "conv_groups": 2,
         "conv_act": "gelu", "pos_att_type": ["p2c", "c2p"], "position_biased_input": False,
         "max_relative_positions": 48},
        "bio", {}),
    "deberta-v2-absolute": (
        "deberta-v2", deberta_tokenizer, "DebertaV2TokenizerFast", {},
        {**DEBERTA, "max_position_embeddings": LIMIT, "max_relative_positions": 24, "pos_att_type": ["c2p"],
         "type_vocab_size": 2, "embedding_size": 12},
        "bio", {}),
    "modernbert": (
        "modernbert", modern_tokenizer, "PreTrainedTokenizerFast", MODERN,
        {**SMALL, "num_hidden_layers": 4, "max_position_embeddings": LIMIT, "local_attention": 12,
         "global_attn_every_n_layers": 3, "local_rope_theta": 1000.0},
        "bio", {}),
    "modernbert-biases": (
        "modernbert", modern_tokenizer, "PreTrainedTokenizerFast", {**MODERN, "add_prefix_space": True},
        {**SMALL, "num_hidden_layers": 3, "max_position_embeddings": LIMIT, "local_attention": 8, "norm_bias": True,
         "global_attn_every_n_layers": 2, "attention_bias": True, "mlp_bias": True, "classifier_bias": True,
         "hidden_activation": "silu", "classifier_activation": "tanh"},
        "bio", {}),
}


def make_tokenizer(build, class_name, arguments, folder):
    with tempfile.TemporaryDirectory() as scratch:
        path = str(Path(scratch) / "tokenizer.json")
        build().save(path)
        getattr(transformers, class_name)(tokenizer_file=path, **arguments).save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


def make_model(kind, tokenizer, configuration, scheme, seed):
    labels = names(scheme)
    special = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "cls", "sep", "bos", "eos")}
    config = transformers.AutoConfig.for_model(
        kind, vocab_size=len(tokenizer), id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
        **{name: value for name, value in special.items() if value is not None}, **configuration)
    config._attn_implementation = "eager"
    model = AutoModelForTokenClassification.from_config(config, attn_implementation="eager")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            values = torch.randn(parameter.shape, generator=generator)
            if "norm" in name.lower() and name.endswith("weight"):
                values = 1.0 + 0.1 * values
            elif name.endswith("bias"):
                values = 0.2 * values
            elif "embed" in name:
                values = 0.7 * values
            elif name == "classifier.weight":
                values = 0.6 * values
            else:
                values = 0.35 * values
            parameter.copy_(values.half().float())
        model.eval()
        # Every tag is to win somewhere.
        sample = torch.cat([logits_of(model, tokenizer(text)["input_ids"]) for text in SENTENCES])
        model.classifier.bias -= sample.mean(0)
        model.classifier.bias.copy_(model.classifier.bias.half().float())
    return model


def logits_of(model, ids):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long)).logits[0]


def words_of(tokenizer, text):
    words = text.split()
    present = set(tokenizer(words, is_split_into_words=True).word_ids()) if words else set()
    return [word for number, word in enumerate(words) if number in present]


def word_entities(model, encoding, logits, count):
    tags = [None] * count
    for position, word in enumerate(encoding.word_ids()):
        if word is not None and tags[word] is None:
            tags[word] = model.config.id2label[int(logits[position].argmax())]
    # seqeval's default mode knows BIOES and not BILOU, which is the same with other letters.
    tags = [{"L": "E", "U": "S"}.get(tag[0], tag[0]) + tag[1:] for tag in tags]
    return [[start, end + 1, label] for label, start, end in get_entities(tags)]


def text_entities(tagger, text, encoding):
    places = [p for p, special in zip(encoding["offset_mapping"], encoding["special_tokens_mask"]) if not special]
    shared = len({start for start, _ in places}) < len(places)
    if shared or any(not text[start:end].strip() for start, end in places) or text != " ".join(text.split()):
        return None
    if not text:
        return []
    found = []
    for entity in tagger(text):
        start, end = entity["start"], entity["end"]
        covered = text[start:end]
        found.append([start + len(covered) - len(covered.lstrip()), end - len(covered) + len(covered.rstrip()),
                      entity["entity_group"]])
    return found


def make(name, seed):
    kind, build, class_name, arguments, configuration, scheme, how = CASES[name]
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    tokenizer = make_tokenizer(build, class_name, arguments, folder)
    words = [words_of(tokenizer, text) for text in TEXTS]
    encodings = [tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True) for text in TEXTS]
    encodings += [tokenizer(one, is_split_into_words=True) for one in words]
    margin = 0
    while margin < 2e-4:
        # No entity is to hang on rounding.
        seed += 100
        model = make_model(kind, tokenizer, configuration, scheme, seed)
        rows = [(encoding["input_ids"], logits_of(model, encoding["input_ids"])) for encoding in encodings]
        all_logits = torch.cat([logits for _, logits in rows])
        likeliest = all_logits.topk(2, -1).values
        margin = float((likeliest[:, 0] - likeliest[:, 1]).min())
    tagger = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="first", device="cpu")
    by_text = [text_entities(tagger, text, encoding) if scheme == "bio" else None
               for text, encoding in zip(TEXTS, encodings)]
    by_words = [word_entities(model, encoding, logits, len(one))
                for one, encoding, (_, logits) in zip(words, encodings[len(TEXTS):], rows[len(TEXTS):])]
    save_file({
        "lengths": torch.tensor([len(ids) for ids, _ in rows], dtype=torch.uint32),
        "ids": torch.tensor([i for ids, _ in rows for i in ids], dtype=torch.int64).to(torch.uint32),
        "logits": torch.cat([logits for _, logits in rows]),
    }, folder / "reference.safetensors")
    lines = ",\n".join(
        json.dumps({"words": w, "found_in_words": e, "found_in_text": t}, separators=(",", ":"))
        for w, e, t in zip(words, by_words, by_text))
    (folder / "entities.json").write_text("[\n%s\n]\n" % lines, encoding="utf-8")
    model.half().save_pretrained(folder, **how)
    for extra in ("vocab.txt", "vocab.json", "merges.txt"):
        (folder / extra).unlink(missing_ok=True)
    for path in folder.iterdir():
        path.chmod(0o644)
    counts = torch.bincount(all_logits.argmax(-1), minlength=all_logits.shape[1]).tolist()
    size = sum(path.stat().st_size for path in folder.iterdir())
    compared = sum(t is not None for t in by_text)
    print(f"{name:24} {size:8d} bytes, {len(all_logits)} sub-words, tags {counts}, |logit| {all_logits.abs().max():.1f}, "
          f"least margin {margin:.1e}, {compared} texts by the pipeline, longest {max(len(ids) for ids, _ in rows)}")


def main():
    warnings.filterwarnings("ignore", category=UserWarning)
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    assert len(TEXTS) == 50 and len(LONG[1].split()) == 600, len(TEXTS)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "texts.json").write_text(json.dumps(TEXTS, indent=0) + "\n", encoding="utf-8")
    distances = torch.arange(1200)
    buckets = make_log_bucket_position(distances, 256, 512).long().tolist()
    (OUT / "deberta-buckets.json").write_text(json.dumps(buckets, separators=(",", ":")) + "\n", encoding="utf-8")
    for seed, name in enumerate(CASES):
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            make(name, 500 + seed)


if __name__ == "__main__":
    main()
