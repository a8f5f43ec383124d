"""Makes tests/data/heads/: a tiny random tagger with each head, written in plain PyTorch, and what it computes.

    python tests/parity/heads.py [NAME ...]

Each model is transformers' BertModel, dropout, where the name says so `nn.LSTM(bidirectional=True)`, `nn.Linear`, and where
the name says so the CRF of pytorch-crf 0.7.2. For each name in CASES a folder holds the weights (rounded to f16 once), the
tokenizer of tests/data/architectures/bert, a config.json whose section `spanloom` says what the head is, and

    reference.safetensors  "lengths", "ids", "logits" of the 50 texts of tests/data/architectures/texts.json, cut into words
                           at white space, one after another, special tokens included; with a CRF also "marginals", the
                           probability of each tag at the first sub-word of each word: the gradient of pytorch-crf's
                           log-partition function by the emissions, in f64.
    entities.json          [{"words": [...], "found": [[start, end, label], ...]}, ...]: without a CRF, the likeliest tag of
                           each word; with one, those of the likeliest sequence in which the words' tags are an encoding
                           of entities. Tags of special tokens and X count as O. seqeval's default mode reads the tags.

Where there are at most 40000 sequences of tags, the marginals and the likeliest sequence are also found by looking at all
of them. Which tags may follow each other is read off the encodings of all sets of entities over four words.
"""

import itertools
import json
import shutil
import sys
import warnings
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file
from seqeval.metrics.sequence_labeling import get_entities
from torchcrf import CRF
from transformers import BertConfig, BertModel, BertTokenizerFast

DATA = Path(__file__).resolve().parents[1] / "data"
OUT = DATA / "heads"
TOKENIZER = DATA / "architectures" / "bert"
TEXTS = json.loads((DATA / "architectures" / "texts.json").read_text(encoding="utf-8"))
LABELS = ("PER", "LOC")
IGNORED = ["[CLS]", "[SEP]", "X"]
SIZES = dict(
    vocab_size=700, hidden_size=16, num_hidden_layers=1, num_attention_heads=4, intermediate_size=24,
    max_position_embeddings=1100)

# name -> (scheme, layers of the LSTM, the CRF's positions or None, the section `spanloom`)
CASES = {
    "bilstm": ("bio", 2, None, {
        "head": {"kind": "bilstm", "hidden_size": 6, "layers": 2},
        "weights": {"bert.": "encoder.", "lstm.": "rnn.", "classifier.": "hidden2tag."},
        "ignored_tags": IGNORED}),
    "bilstm-crf": ("bio", 1, "pieces", {
        "head": {"kind": "bilstm-crf", "hidden_size": 6, "positions": "pieces"},
        "ignored_tags": IGNORED}),
    "crf": ("bioes", 0, "words", {
        "head": {"kind": "crf", "positions": "words", "boundaries": False, "transposed": True},
        "weights": {"crf.transitions": "transitions"}}),
}


class Tagger(torch.nn.Module):
    def __init__(self, config, tags, hidden, layers, has_crf):
        super().__init__()
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dropout = torch.nn.Dropout(0.1)
        self.lstm = torch.nn.LSTM(16, hidden, layers, batch_first=True, bidirectional=True) if layers else None
        self.classifier = torch.nn.Linear(2 * hidden if layers else 16, tags)
        self.crf = CRF(tags) if has_crf else None

    def forward(self, ids):
        hidden = self.dropout(self.bert(input_ids=ids).last_hidden_state)
        if self.lstm is not None:
            hidden = self.dropout(self.lstm(hidden)[0])
        return self.classifier(hidden)


def encode(entities, length, scheme):
    tags = ["O"] * length
    for start, end, label in entities:
        for word in range(start, end):
            letter = "B" if word == start else "I"
            if scheme == "bioes":
                letter = "S" if end - start == 1 else "E" if word == end - 1 else letter
            tags[word] = f"{letter}-{label}"
    return tags


def all_encodings(length, scheme):
    """The tags of every set of entities over some words."""
    def sets(start):
        if start >= length:
            yield []
            return
        yield from sets(start + 1)
        for end in range(start + 1, length + 1):
            for label in LABELS:
                yield from ([(start, end, label), *rest] for rest in sets(end))

    return [encode(entities, length, scheme) for entities in sets(0)]


class Rules:
    """Which tags of words may be first, last and neighbours."""

    def __init__(self, names, scheme):
        known = all_encodings(4, scheme)
        outside = ["O" if name in IGNORED else name for name in names]
        pairs = {pair for tags in known for pair in zip(tags, tags[1:])}
        first, last = {tags[0] for tags in known}, {tags[-1] for tags in known}
        self.first = numpy.array([name in first for name in outside])
        self.last = numpy.array([name in last for name in outside])
        self.pair = numpy.array([[(a, b) in pairs for b in outside] for a in outside])

    def allow(self, tags):
        return not tags or bool(
            self.first[tags[0]] and self.last[tags[-1]] and all(self.pair[a, b] for a, b in zip(tags, tags[1:])))


def chain_of(crf):
    return [p.detach().double().numpy() for p in (crf.start_transitions, crf.end_transitions, crf.transitions)]


def score(chain, emissions, tags):
    start, end, transitions = chain
    total = start[tags[0]] + end[tags[-1]] + sum(emissions[i, t] for i, t in enumerate(tags))
    return total + sum(transitions[a, b] for a, b in zip(tags, tags[1:]))


def likeliest(chain, emissions, words, rules):
    """Viterbi over pairs of the last word's tag (the last number: none yet) and the tag at hand."""
    start, end, transitions = chain
    length, count = emissions.shape
    may_follow = numpy.vstack([rules.pair, rules.first])
    best, backs = None, []
    for position in range(length):
        if position == 0:
            reached = numpy.full((count + 1, 1, count), -numpy.inf)
            reached[count, 0] = start + emissions[0]
        else:
            reached = best[:, :, None] + transitions[None] + emissions[position]
        if position in words:
            reached = numpy.where(may_follow[:, None, :], reached, -numpy.inf)
            flat = reached.reshape(-1, count)
            back = flat.argmax(0)
            best = numpy.full((count + 1, count), -numpy.inf)
            best[range(count), range(count)] = flat.max(0)
            backs.append(lambda last, tag, back=back, width=reached.shape[1]: divmod(int(back[tag]), width))
        else:
            back = reached.argmax(1)
            best = reached.max(1)
            backs.append(lambda last, tag, back=back: (last, int(back[last, tag])))
    may_end = numpy.append(rules.last, True)
    last, tag = divmod(int(numpy.where(may_end[:, None], best + end, -numpy.inf).argmax()), count)
    tags = [tag]
    for back in reversed(backs[1:]):
        last, tag = back(last, tag)
        tags.append(tag)
    return tags[::-1]


def marginals(crf, emissions):
    """By tag and position: the gradient of the log-partition function."""
    crf = crf.double()
    emissions = torch.tensor(emissions, dtype=torch.float64).unsqueeze(1).requires_grad_()
    mask = torch.ones(emissions.shape[:2], dtype=torch.uint8)
    crf._compute_normalizer(emissions, mask).sum().backward()
    return emissions.grad.squeeze(1).numpy()


def check_by_all_sequences(chain, emissions, words, rules, path, expected):
    length, count = emissions.shape
    if count ** length > 40000:
        return False
    every = list(itertools.product(range(count), repeat=length))
    scores = numpy.array([score(chain, emissions, tags) for tags in every])
    shares = numpy.exp(scores - scores.max())
    shares /= shares.sum()
    sums = numpy.zeros_like(emissions)
    for tags, share in zip(every, shares):
        sums[range(length), tags] += share
    assert numpy.abs(sums - expected).max() < 1e-9
    of_words = [rules.allow([tags[i] for i in range(length) if i in words]) for tags in every]
    assert list(every[int(numpy.where(of_words, scores, -numpy.inf).argmax())]) == path
    return True


def make_model(config, names, section, layers, positions, rows, seed):
    generator = torch.Generator().manual_seed(seed)
    model = Tagger(config, len(names), section["head"].get("hidden_size", 0), layers, positions is not None)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            values = torch.randn(parameter.shape, generator=generator)
            if "LayerNorm" in name and name.endswith("weight"):
                values = 1.0 + 0.1 * values
            elif name.startswith("crf") or "lstm.weight" in name or "embeddings" in name:
                values = 0.8 * values
            elif name == "classifier.weight":
                values = 1.6 * values if layers else 0.5 * values
            else:
                values = (0.2 if "bias" in name else 0.35) * values
            if section["head"].get("boundaries") is False and name in ("crf.start_transitions", "crf.end_transitions"):
                values = torch.zeros_like(values)
            parameter.copy_(values.half().float())
        model.eval()
        # Every tag is to win somewhere.
        sample = torch.cat([model(torch.tensor([ids]))[0] for ids, _ in rows[:18]])
        model.classifier.bias -= sample.mean(0)
        # Words are seldom to have the tags of special tokens and of continued words.
        model.classifier.bias -= torch.tensor([1.5 * (tag in IGNORED) for tag in names])
        model.classifier.bias.copy_(model.classifier.bias.half().float())
    return model


def paths_of(model, rules, rows, logits, positions):
    """The path of each row, and where in it the words are."""
    found = []
    for (_, firsts), emissions in zip(rows, logits):
        emissions = emissions.astype(numpy.float64)
        if positions == "words":
            emissions, firsts = emissions[firsts], list(range(len(firsts)))
        if not len(emissions):
            path = []
        elif positions is None:
            path = emissions.argmax(-1).tolist()
        else:
            path = likeliest(chain_of(model.crf), emissions, set(firsts), rules)
        found.append([path[i] for i in firsts])
    return found


def make(name, seed):
    scheme, layers, positions, section = CASES[name]
    letters = "BI" if scheme == "bio" else "BIES"
    names = [f"{letter}-{label}" for label in LABELS for letter in letters] + ["O"] + section.get("ignored_tags", [])
    rules = Rules(names, scheme)
    tokenizer = BertTokenizerFast.from_pretrained(TOKENIZER)
    words, rows = [], []
    for text in TEXTS:
        split = text.split()
        present = set(tokenizer(split, is_split_into_words=True).word_ids()) if split else set()
        words.append([word for number, word in enumerate(split) if number in present])
        encoding = tokenizer(words[-1], is_split_into_words=True)
        owners = encoding.word_ids()
        rows.append((encoding["input_ids"], [i for i, w in enumerate(owners) if w is not None and owners[i - 1] != w]))
    config = BertConfig(**SIZES)
    noise = numpy.random.default_rng(seed)
    while True:
        # No entity is to hang on rounding.
        seed += 100
        model = make_model(config, names, section, layers, positions, rows, seed)
        with torch.no_grad():
            logits = [model(torch.tensor([ids]))[0].numpy() for ids, _ in rows]
        paths = paths_of(model, rules, rows, logits, positions)
        moved = [[one + noise.uniform(-2e-4, 2e-4, one.shape) for one in logits] for _ in range(3)]
        if all(paths_of(model, rules, rows, one, positions) == paths for one in moved):
            break
    cases, tags_seen = [], set()
    for one, path in zip(words, paths):
        tags = [names[tag] for tag in path]
        tags_seen |= set(tags)
        entities = get_entities(["O" if tag in IGNORED else tag for tag in tags])
        cases.append({"words": one, "found": [[start, end + 1, label] for label, start, end in entities]})
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    reference = {
        "lengths": torch.tensor([len(ids) for ids, _ in rows], dtype=torch.uint32),
        "ids": torch.tensor([i for ids, _ in rows for i in ids], dtype=torch.int64).to(torch.uint32),
        "logits": torch.tensor(numpy.concatenate(logits)),
    }
    state = {key: value.detach().half().contiguous() for key, value in model.state_dict().items()
             if "position_ids" not in key and "token_type_ids" not in key}
    by_all = 0
    if positions is not None:
        chain, probabilities = chain_of(model.crf), []
        for (_, firsts), emissions in zip(rows, logits):
            emissions = emissions.astype(numpy.float64)
            if positions == "words":
                emissions, firsts = emissions[firsts], list(range(len(firsts)))
            if len(emissions):
                expected = marginals(model.crf, emissions)
                path = likeliest(chain, emissions, set(firsts), rules)
                by_all += check_by_all_sequences(chain, emissions, set(firsts), rules, path, expected)
                probabilities.append(expected[firsts])
        reference["marginals"] = torch.tensor(numpy.concatenate(probabilities)).float()
    if section["head"].get("transposed"):
        state["crf.transitions"] = state["crf.transitions"].t().contiguous()
    if section["head"].get("boundaries") is False:
        del state["crf.start_transitions"], state["crf.end_transitions"]
    for ours, theirs in section.get("weights", {}).items():
        state = {theirs + key[len(ours):] if key.startswith(ours) else key: value for key, value in state.items()}
    save_file(state, folder / "model.safetensors")
    save_file(reference, folder / "reference.safetensors")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(TOKENIZER / file, folder / file)
    described = {
        **config.to_diff_dict(), "id2label": {str(i): tag for i, tag in enumerate(names)},
        "label2id": {tag: i for i, tag in enumerate(names)}, "spanloom": section}
    (folder / "config.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (folder / "entities.json").write_text("[\n%s\n]\n" % lines, encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o644)
    size = sum(path.stat().st_size for path in folder.iterdir())
    count = sum(len(case["found"]) for case in cases)
    print(f"{name:12} {size:7d} bytes, seed {seed}, {sum(map(len, logits))} sub-words, {count} entities, "
          f"tags of words {sorted(tags_seen)}, {by_all} texts by all sequences")


def main():
    warnings.filterwarnings("ignore", category=UserWarning)
    torch.set_num_threads(1)
    for seed, name in enumerate(CASES):
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            make(name, 700 + seed)


if __name__ == "__main__":
    main()
