"""The encoder of models/en beside its peers on the processor: the same weights, the same sequences, the same threads.

    python benches/peers/encode.py [--only NAME …] [THREADS …]

The sequences are those of `cargo bench --bench model -- encoder`: 512, as long as posts are (4 to 47 sub-words, 26 on average).
Peers get them sorted by length, in padded batches of 32. All run in turns, three times on each number of threads (1 and 2); the
table has sub-words a second, padding not counted: the median of the rounds, and how often that is ours in 32 bits.
Then whole programs: 1,500 different sentences in, entities out, in 32 bits, in fixed point, and in bfloat16 where the processor has it, beside the pipeline of `transformers`,
once more in turns (the time to load a model is in ours alone). With --only there are no programs, and of the systems those alone whose names end so.

Needs torch, transformers, gguf, onnx, onnxscript and onnxruntime. SPANLOOM names the program (target/release/spanloom), SPANLOOM_BENCH the
compiled bench where it is not to be built. Limits of this machine are printed with it: the rate of the
matrix products of one layer, and the sub-words a second if there were nothing else.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "parity"))

import onnxruntime  # noqa: E402
import torch  # noqa: E402
from common import load_model  # noqa: E402
from onnxruntime.quantization import quantize_dynamic  # noqa: E402
from pytorch import of_torch  # noqa: E402
from transformers import AutoTokenizer, TokenClassificationPipeline  # noqa: E402

FOLDER = ROOT / "models" / "en"
ROUNDS, BATCH = 3, 32
HAS_BF16 = "avx512_bf16" in Path("/proc/cpuinfo").read_text()
OURS = {
    "spanloom, f32": "packed",
    "spanloom, int16": "int16",
    "spanloom, int8": "int8",
    **({"spanloom, bf16": "bf16"} if HAS_BF16 else {}),
    "candle's operations, padded": "padded",
}
"""The benches of our encoder."""
PRECISIONS = ("f32", "int16", "int8", *(["bf16"] if HAS_BF16 else []))
ENOUGH = 4.0
"""So many seconds a system runs in a round, at least once over everything."""


def make_sequences():
    lengths = [4 + (i * 7919) % 24 + (i * 104729) % 21 for i in range(512)]
    return [[1000 + (i * 31 + k * 997) % 20000 for k in range(length)] for i, length in enumerate(lengths)]


def make_batches(sequences):
    ordered = sorted(sequences, key=len)
    for at in range(0, len(ordered), BATCH):
        rows = ordered[at : at + BATCH]
        width = max(map(len, rows))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
        yield ids, mask


def export(model, place):
    path = place / "encoder.onnx"
    names = {"input_ids": {0: "rows", 1: "length"}, "attention_mask": {0: "rows", 1: "length"}}
    ids = torch.ones((2, 7), dtype=torch.long)
    torch.onnx.export(
        model, (ids, ids), str(path), input_names=list(names), output_names=["logits"], dynamic_axes=names, dynamo=False
    )
    quantised = place / "encoder-int8.onnx"
    quantize_dynamic(str(path), str(quantised))
    return path, quantised


def of_onnx(path, threads, batches):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs = [{"input_ids": ids.numpy(), "attention_mask": mask.numpy()} for ids, mask in batches]
    return lambda: [session.run(None, one) for one in inputs]


def rate(run, count):
    run()
    runs, begin = 0, time.perf_counter()
    while (seconds := time.perf_counter() - begin) < ENOUGH or runs == 0:
        run()
        runs += 1
    return count * runs / seconds


def bench_binary():
    """The compiled `cargo bench --bench model`."""
    if "SPANLOOM_BENCH" in os.environ:
        return os.environ["SPANLOOM_BENCH"]
    command = ["cargo", "bench", "--bench", "model", "--no-run", "--message-format=json"]
    built = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    made = [json.loads(line) for line in built.splitlines() if line.startswith("{")]
    return next(m["executable"] for m in made if m.get("executable") and m["target"]["name"] == "model")


def ours(binary, name, threads, count):
    environment = {**os.environ, "RAYON_NUM_THREADS": str(threads), "CARGO_TARGET_DIR": str(ROOT / "target")}
    command = [binary, "--bench", f"^encoder/{name}$", "--noplot"]
    subprocess.run(command, cwd=ROOT, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    estimates = json.loads((ROOT / "target/criterion/encoder" / name / "new/estimates.json").read_text())
    return count / (estimates["median"]["point_estimate"] / 1e9)


def product_rate():
    """FLOP a second of a product of the model's shapes, the best of several."""
    x, weight = torch.randn(512, 384), torch.randn(384, 1536)
    best = 0.0
    for _ in range(60):
        begin = time.perf_counter()
        x @ weight
        best = max(best, 2 * 512 * 384 * 1536 / (time.perf_counter() - begin))
    return best


def end_to_end(threads):
    """Sentences a second of both programs, in turns."""
    words = "The river bank near Old Town was visited by Mary Smith of the United Nations last Friday after lunch".split()
    texts = [" ".join(words[: 6 + i % 14] + [f"and {i} others ."]) for i in range(1500)]
    model = load_model(FOLDER).eval()
    pipeline = TokenClassificationPipeline(
        model=model, tokenizer=AutoTokenizer.from_pretrained(FOLDER), aggregation_strategy="first", device="cpu"
    )
    program = os.environ.get("SPANLOOM", str(ROOT / "target/release/spanloom"))
    environment = {**os.environ, "RAYON_NUM_THREADS": str(threads)}
    rates = {name: [] for name in [*(f"spanloom tag, {one}" for one in PRECISIONS), "transformers pipeline"]}
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "texts.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        for _ in range(ROUNDS):
            for precision in PRECISIONS:
                command = [program, "tag", "--model", str(FOLDER), "--precision", precision, "--device", "cpu", "-q", str(path)]
                begin = time.perf_counter()
                subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
                rates[f"spanloom tag, {precision}"].append(len(texts) / (time.perf_counter() - begin))
            begin = time.perf_counter()
            pipeline(texts, batch_size=BATCH)
            rates["transformers pipeline"].append(len(texts) / (time.perf_counter() - begin))
    return rates


def table(heading, rates):
    first = statistics.median(next(iter(rates.values())))
    print(f"| | {heading} | of ours |\n|---|---|---|")
    for name, values in rates.items():
        median = statistics.median(values)
        print(f"| {name} | {median:,.0f} | {median / first:.2f} |")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="NAME")
    parser.add_argument("threads", type=int, nargs="*", default=[1, 2], metavar="THREADS")
    arguments = parser.parse_args()
    wanted = tuple(arguments.only or [""])
    sequences = make_sequences()
    count = sum(map(len, sequences))
    batches = list(make_batches(sequences))
    model = load_model(FOLDER).eval()
    binary = bench_binary()
    with tempfile.TemporaryDirectory() as place:
        plain, quantised = export(model, Path(place))
        bf16 = load_model(FOLDER).to(torch.bfloat16).eval()
        for threads in arguments.threads:
            torch.set_num_threads(threads)
            peers = {
                f"PyTorch {torch.__version__}, f32": of_torch(model, batches),
                f"PyTorch {torch.__version__}, bf16": of_torch(bf16, batches),
                f"ONNX Runtime {onnxruntime.__version__}, f32": of_onnx(plain, threads, batches),
                f"ONNX Runtime {onnxruntime.__version__}, int8": of_onnx(quantised, threads, batches),
            }
            rates = {name: [] for name in [*OURS, *peers] if name.endswith(wanted)}
            for _ in range(ROUNDS):
                for name, of_name in rates.items():
                    if name in OURS:
                        of_name.append(ours(binary, OURS[name], threads, count))
                    else:
                        of_name.append(rate(peers[name], count))
            print(f"threads: {threads}\n")
            table("sub-words a second", rates)
            most = product_rate()
            print(f"matrix products alone: {most / 1e9:.0f} GFLOP/s, {most / 21.2e6:,.0f} sub-words a second\n")
            if not arguments.only:
                table("sentences a second", end_to_end(threads))


if __name__ == "__main__":
    main()
