"""Makes tests/data/checkpoints/: one dictionary of tensors as torch.save writes it, as an archive and as the stream that
PyTorch wrote before 1.6. The Rust test that reads them says what is in them.

    python tests/parity/make_checkpoints.py
"""

from collections import OrderedDict
from pathlib import Path

import torch

OUT = Path(__file__).resolve().parents[1] / "data" / "checkpoints"


def main():
    matrix = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    tensors = OrderedDict(
        matrix=matrix,
        transposed=matrix.t(),
        rows=matrix[1:],
        half=torch.tensor([0.5, -1.5], dtype=torch.float16),
        brain=torch.tensor([2.0, -3.0], dtype=torch.bfloat16),
        double=torch.tensor([0.25], dtype=torch.float64),
        parameter=torch.nn.Parameter(torch.tensor([7.0, 8.0])),
        scalar=torch.tensor(9.0),
        position_ids=torch.arange(4),
        mask=torch.tensor([True, False]),
        note="no tensor",
    )
    OUT.mkdir(parents=True, exist_ok=True)
    torch.save(tensors, OUT / "archive.bin")
    torch.save(tensors, OUT / "stream.bin", _use_new_zipfile_serialization=False)
    for path in sorted(OUT.iterdir()):
        print(f"{path.stat().st_size:8d} {path.name}")


if __name__ == "__main__":
    main()
