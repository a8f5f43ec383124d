"""Quantises a Hugging Face BERT tagger to GGUF (Q8_0) for shipping.

    python tools/quantize_gguf.py SRC DST [--name NAME]

Reads SRC (config.json, model.safetensors in f16 or f32, tokenizer.json) and writes

    DST/model.gguf             tensors under their Hugging Face names, unchanged
    DST/config.json            as in SRC, byte for byte
    DST/tokenizer.json         as in SRC, only without the white space between the JSON items
    DST/tokenizer_config.json  as in SRC, where it has one of at most 16 kB

Two-dimensional weights (embeddings too) whose last dimension divides by 32 become Q8_0: blocks of 32 values, each an
f16 scale and 32 signed bytes. Everything else (biases, layer norms) and the small classifier stay as F32. Tensors that
a token classifier does not use (pooler, position_ids, a masked-language-model head) are dropped.

GGUF metadata: general.architecture = "bert", general.name, general.file_type, general.quantization_version and
spanloom.source.sha256, the SHA-256 of SRC/model.safetensors. It holds no paths and no dates: the same source gives the
same bytes.

The result is read back and dequantised before the tool ends; it fails where a name, a shape, a type or a value (beyond
the rounding that Q8_0 allows) differs.
"""

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file

DROPPED = ("bert.pooler.", "pooler.", "cls.", "bert.embeddings.position_ids", "embeddings.position_ids")
BLOCK = 32


def kind_of(name, tensor):
    """The GGUF type that a tensor is stored as, or None where it is dropped."""
    if name.startswith(DROPPED):
        return None
    if tensor.ndim == 2 and tensor.shape[1] % BLOCK == 0 and not name.startswith("classifier."):
        return gguf.GGMLQuantizationType.Q8_0
    return gguf.GGMLQuantizationType.F32


def write_gguf(path, name, tensors, sha256):
    writer = gguf.GGUFWriter(path, arch="bert")
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_string("spanloom.source.sha256", sha256)
    for tensor_name, tensor in tensors.items():
        kind = kind_of(tensor_name, tensor)
        if kind is None:
            print(f"dropped {tensor_name}")
        elif kind == gguf.GGMLQuantizationType.F32:
            writer.add_tensor(tensor_name, tensor)
        else:
            writer.add_tensor(tensor_name, gguf.quants.quantize(tensor, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def check_gguf(path, tensors):
    """Reads the file back; returns the largest error as a share of the largest error that Q8_0 allows."""
    expected = {n: t for n, t in tensors.items() if kind_of(n, t) is not None}
    reader = gguf.GGUFReader(path)
    found = {t.name: t for t in reader.tensors}
    if list(found) != list(expected):
        sys.exit("the file read back holds other tensors than were written")
    worst = 0.0
    counts = {}
    for name, tensor in expected.items():
        got = found[name]
        kind = kind_of(name, tensor)
        counts[kind.name] = counts.get(kind.name, 0) + 1
        values = gguf.quants.dequantize(got.data, got.tensor_type).reshape(tensor.shape)
        if got.tensor_type != kind or tuple(int(d) for d in got.shape) != tensor.shape[::-1]:
            sys.exit(f"{name}: type {got.tensor_type.name} or shape {got.shape} is not what was written")
        if kind == gguf.GGMLQuantizationType.F32:
            if not np.array_equal(values, tensor):
                sys.exit(f"{name}: F32 values differ after reading back")
            continue
        blocks = tensor.reshape(-1, BLOCK)
        largest = np.abs(blocks).max(axis=1, keepdims=True)
        # half a step of largest/127, and the f16 rounding of the scale (relative 2^-11, or 2^-25 absolute) times 127
        allowed = largest / 254 + largest * 2.0**-11 + 127 * 2.0**-25 + 1e-9
        share = float((np.abs(values.reshape(-1, BLOCK) - blocks) / allowed).max())
        if share > 1.0:
            sys.exit(f"{name}: a dequantised value is further off than Q8_0 allows ({share:.3f})")
        worst = max(worst, share)
    return worst, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("src", type=Path)
    parser.add_argument("dst", type=Path)
    parser.add_argument("--name", help="general.name of the GGUF file (default: the name of SRC's folder)")
    args = parser.parse_args()

    weights = args.src / "model.safetensors"
    tensors = {n: np.ascontiguousarray(t.astype(np.float32)) for n, t in sorted(load_file(weights).items())}
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    args.dst.mkdir(parents=True, exist_ok=True)
    out = args.dst / "model.gguf"
    write_gguf(out, args.name or args.src.resolve().name, tensors, sha256)
    worst, counts = check_gguf(out, tensors)

    shutil.copyfile(args.src / "config.json", args.dst / "config.json")
    tokenizer = json.loads((args.src / "tokenizer.json").read_text(encoding="utf-8"))
    minified = json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))
    assert json.loads(minified) == tokenizer and list(json.loads(minified)) == list(tokenizer)
    (args.dst / "tokenizer.json").write_text(minified, encoding="utf-8")
    extra = args.src / "tokenizer_config.json"
    if extra.exists() and extra.stat().st_size <= 16_384:
        shutil.copyfile(extra, args.dst / "tokenizer_config.json")

    print("read back: " + ", ".join(f"{n} tensors {k}" for k, n in sorted(counts.items())))
    print(f"largest error: {worst:.3f} of what Q8_0 allows")
    for path in sorted(args.dst.iterdir()):
        print(f"{path.stat().st_size:10d} {path.name}")
    print(f"{sum(p.stat().st_size for p in args.dst.iterdir()):10d} bytes in all")


if __name__ == "__main__":
    main()
