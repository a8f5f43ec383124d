"""Models on a GPU (or, to try the script, on the processor) beside PyTorch and the pipeline of transformers: see benches/gpu.sh.

First `models/en` tags the dev parts of UNER EWT and WNUT-17 on both devices. Where f32 differs from the processor in more than one
sentence of a thousand, that is the end. Other precisions are reported.

Then three shapes of BERT with random weights, over the train parts of both corpora: the same sequences for all, sorted by length, in
batches by a budget of sub-words, already on the device; states are left there. Whole programs read sentences and give entities;
a sentence that is repeated has a number behind it, since ours tags what is the same once. The time to start and to load is that of
one sentence, and taken off. The rate of the card's matrix products is measured by PyTorch in the same precision; what a system reaches of
it counts the operations of the layers for sub-words, not for padding.
"""

import datetime
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "parity"))

import torch  # noqa: E402
import transformers  # noqa: E402
from common import corpus_path, layout, load_tokenizer, read_sentences  # noqa: E402
from pytorch import of_torch  # noqa: E402
from transformers import BertConfig, BertForTokenClassification, TokenClassificationPipeline  # noqa: E402

ENGLISH = ROOT / "models" / "en"
DEVICE = os.environ["DEVICE"]
IS_CPU = DEVICE == "cpu"
PROGRAM, BENCH = os.environ["SPANLOOM"], os.environ["SPANLOOM_BENCH"]


def chosen(name, of_gpu, of_cpu):
    return (os.environ.get(name) or (of_cpu if IS_CPU else of_gpu)).split()


# width, layers, heads, inner width
SHAPES = {"minilm-l6": (384, 6, 12, 1536), "bert-base": (768, 12, 12, 3072), "bert-large": (1024, 24, 16, 4096)}
CHOSEN = chosen("SHAPES", "minilm-l6 bert-base bert-large", "minilm-l6")
PRECISIONS = chosen("PRECISIONS", "f32 bf16 f16", "f32")
TOKENS = [int(one) for one in chosen("TOKENS", "16384 65536", "2048")]
ENOUGH = float(chosen("SECONDS_EACH", "10", "1")[0])
SENTENCES = 150 if IS_CPU else None
"""How many sentences are read at most."""
REPEATS = 1 if IS_CPU else 20
"""How often the whole program reads each."""
NUMBERS = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
TRAIN = ("uner_en_ewt/en_ewt-ud-train.INITIAL-COMMIT.iob2", "wnut17/wnut17train.conll")
DEV = ("uner_en_ewt/en_ewt-ud-dev.iob2", "wnut17/emerging.dev.conll")
ENGINE = """labels = ["PER", "LOC", "ORG", "MISC"]

[[source]]
kind = "model"
name = "tagger"
path = {path}
precision = "{precision}"
batch-tokens = {tokens}

[[merge]]
pass = "greedy"
"""


def texts_of(paths):
    """The sentences of corpora as running text."""
    texts = []
    for path in paths:
        sentences = read_sentences(corpus_path(path))
        column, _ = layout(sentences)
        texts += [one.text() or " ".join(row[column] for row in one.rows) for one in sentences]
    return texts[:: max(1, len(texts) // SENTENCES)][:SENTENCES] if SENTENCES else texts


def synchronise():
    if not IS_CPU:
        torch.cuda.synchronize()


def seconds_of(run):
    """The median time of a run, over enough of them, after one that warms up."""
    run()
    synchronise()
    times, begin = [], time.perf_counter()
    while not times or time.perf_counter() - begin < ENOUGH:
        start = time.perf_counter()
        run()
        synchronise()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def product_rate(precision):
    """FLOP a second of products of two square matrices of random numbers, enough of them in a row to fill the queue."""
    size, count = (1024, 1) if IS_CPU else (8192, 10)
    a, b = (torch.randn(size, size, device=DEVICE, dtype=NUMBERS[precision]) for _ in range(2))

    def run():
        for _ in range(count):
            a @ b

    return 2 * size**3 * count / seconds_of(run)


def engine(place, model, precision, tokens):
    path = place / f"{model.name}-{precision}-{tokens}.toml"
    path.write_text(ENGINE.format(path=json.dumps(str(model)), precision=precision, tokens=tokens))
    return path


def tag(engine_file, path, device, *options):
    command = [PROGRAM, "tag", "-q", "-e", str(engine_file), "--device", device, *options, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check(place):
    """Compares entities with those of the processor; ends the script where f32 finds others."""
    print("| `models/en` | sentences | with other entities than on the processor in f32 |\n|---|---:|---:|")
    texts = texts_of(DEV)
    path = place / "dev.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))

    def entities(precision, device):
        lines = tag(engine(place, ENGLISH, precision, TOKENS[0]), path, device).splitlines()
        return [[(e["start"], e["end"], e["label"]) for e in json.loads(line)["entities"]] for line in lines]

    exact = entities("f32", "cpu")
    for precision in PRECISIONS:
        other = sum(a != b for a, b in zip(entities(precision, DEVICE), exact, strict=True))
        print(f"| {precision} | {len(texts):,} | {other:,} |", flush=True)
        if precision == "f32" and other > len(texts) / 1000:
            sys.exit(f"{DEVICE} finds other entities than the processor in f32")
    print()


def make_model(place, name):
    """A model of this shape with random weights, which finds hardly any entity, as in most sentences there is none."""
    folder = place / name
    if (folder / "model.safetensors").exists():
        return folder
    width, layers, heads, inner = SHAPES[name]
    said = json.loads((ENGLISH / "config.json").read_text())
    said.update(hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=inner)
    torch.manual_seed(7)
    model = BertForTokenClassification(BertConfig.from_dict(said))
    with torch.no_grad():
        model.classifier.bias[0] = 5.0
    model.save_pretrained(folder)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(ENGLISH / file, folder / file)
    return folder


def flop(name, lengths):
    """Operations of the layers over sequences of these lengths: two for each weight, and scores and what they gather."""
    width, layers, _, inner = SHAPES[name]
    of_sub_word = 2 * (4 * width * width + 2 * width * inner)
    return layers * sum(length * of_sub_word + 4 * length * length * width for length in lengths)


def make_batches(sequences, tokens):
    """As ours: sorted by length, cut by the budget; each the ids and, where there is padding, the mask."""
    batches, rows = [], []
    for sequence in [*sorted(sequences, key=len), None]:
        if rows and (sequence is None or len(sequence) * (len(rows) + 1) > tokens):
            width = len(rows[-1])
            ids = torch.tensor([row + [0] * (width - len(row)) for row in rows], device=DEVICE)
            mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=DEVICE)
            batches.append((ids, None if len(rows[0]) == width else mask))
            rows = []
        rows.append(sequence)
    return batches


def ours(folder, sequences, precision, tokens):
    """What the bench `device` says, and the median time of its rounds."""
    arguments = [BENCH, folder, sequences, DEVICE, precision, tokens, ENOUGH]
    said = json.loads(subprocess.run([*map(str, arguments)], check=True, capture_output=True, text=True).stdout)
    if precision == "f32" and not said["difference"] < 1e-3 * said["largest"]:
        sys.exit(f"states in f32 differ from the processor's: {said}")
    return statistics.median(said["seconds"])


def encoders(name, folder, sequences, place):
    """The time over all sequences of each system: `{(system, precision): (seconds, tokens)}`, the best of all budgets."""
    path = place / "sequences.json"
    path.write_text(json.dumps(sequences))
    times = {}

    def keep(system, precision, seconds, tokens):
        known = times.get((system, precision), (math.inf, 0))
        times[system, precision] = min(known, (seconds, tokens))

    for precision in PRECISIONS:
        for tokens in TOKENS:
            keep("Spanloom", precision, ours(folder, path, precision, tokens), tokens)
    for precision in ("f32", "bf16"):
        model = BertForTokenClassification.from_pretrained(
            folder, attn_implementation="sdpa", dtype=NUMBERS[precision]
        )
        encoder = model.bert.to(DEVICE).eval()
        systems = {f"PyTorch {torch.__version__}, SDPA": encoder}
        if os.environ.get("COMPILE") == "1":
            systems[f"PyTorch {torch.__version__}, SDPA, torch.compile"] = torch.compile(encoder, dynamic=True)
        for system, encoder in systems.items():
            for tokens in TOKENS:
                keep(system, precision, seconds_of(of_torch(encoder, make_batches(sequences, tokens))), tokens)
    return times


def programs(folder, texts, tokens, place):
    """Seconds that whole programs take over all texts, without those for one."""
    repeated = [text if i == 0 else f"{text} {i}" for i in range(REPEATS) for text in texts]
    paths = place / "one.jsonl", place / "all.jsonl"
    for path, some in zip(paths, (repeated[:1], repeated), strict=True):
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in some))
    times = {}
    for precision in PRECISIONS:
        engine_file = engine(place, folder, precision, tokens)

        def once(path, engine_file=engine_file):
            begin = time.perf_counter()
            tag(engine_file, path, DEVICE)
            return time.perf_counter() - begin

        once(paths[0])
        one, whole = (statistics.median(once(path) for _ in range(3)) for path in paths)
        times["spanloom tag", precision] = max(whole - one, 1e-9)
    for precision in ("f32", "bf16"):
        model = BertForTokenClassification.from_pretrained(folder, dtype=NUMBERS[precision]).eval()
        pipeline = TokenClassificationPipeline(
            model=model, tokenizer=load_tokenizer(folder), aggregation_strategy="first", device=DEVICE
        )
        ordered = sorted(texts, key=len)
        pipeline(ordered[:64], batch_size=32)
        begin = time.perf_counter()
        pipeline(ordered, batch_size=32 if IS_CPU else 256)
        seconds = time.perf_counter() - begin
        times[f"transformers {transformers.__version__}, pipeline", precision] = seconds * REPEATS
    return times, len(repeated)


def main():
    device = platform.processor() or platform.machine() if IS_CPU else torch.cuda.get_device_name(DEVICE)
    print(f"`{'' if not IS_CPU else 'DEVICE=cpu '}benches/gpu.sh`, {datetime.date.today()}, {device}\n")
    tokenizer = load_tokenizer(ENGLISH)
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        check(place)
        texts = texts_of(TRAIN)
        sequences = tokenizer(texts, truncation=True, max_length=512)["input_ids"]
        lengths = [len(sequence) for sequence in sequences]
        count = sum(lengths)
        print(f"{len(texts):,} sentences, {count:,} sub-words, {count / len(texts):.1f} a sentence\n")
        rates = {precision: product_rate(precision) for precision in {*PRECISIONS, "f32", "bf16"}}
        print("| matrix products alone | TFLOP/s |\n|---|---:|")
        for precision, rate in sorted(rates.items()):
            print(f"| {precision} | {rate / 1e12:,.2f} |")
        models = Path(sys.argv[1]) if len(sys.argv) > 1 else place
        for name in CHOSEN:
            folder = make_model(models, name)
            operations = flop(name, lengths)
            print(f"\n**{name}**, {operations / count / 1e6:,.1f} MFLOP a sub-word\n")
            print("| encoder | precision | batch | sub-words/s | TFLOP/s | of the matrix products' |")
            print("|---|---|---:|---:|---:|---:|")
            times = encoders(name, folder, sequences, place)
            for (system, precision), (seconds, tokens) in times.items():
                rate = operations / seconds
                print(
                    f"| {system} | {precision} | {tokens:,} | {count / seconds:,.0f} | {rate / 1e12:,.2f} "
                    f"| {rate / rates[precision]:.0%} |",
                    flush=True,
                )
            tokens = min(times["Spanloom", precision] for precision in PRECISIONS)[1]
            print("\n| whole program | precision | sentences/s | sub-words/s | of its encoder's |\n|---|---|---:|---:|---:|")
            whole, sentences = programs(folder, texts, tokens, place)
            for (system, precision), seconds in whole.items():
                rate = count * REPEATS / seconds
                alone = "Spanloom" if system == "spanloom tag" else f"PyTorch {torch.__version__}, SDPA"
                share = rate / (count / times[alone, precision][0])
                print(f"| {system} | {precision} | {sentences / seconds:,.0f} | {rate:,.0f} | {share:.0%} |", flush=True)


if __name__ == "__main__":
    main()
