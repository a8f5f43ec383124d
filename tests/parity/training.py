"""Makes tests/data/parity/training.json: ten steps of training as PyTorch does them.

    python tests/parity/training.py

tests/data/tiny-bert is trained without dropout on ten given batches, once with each of

    sgd     torch.optim.SGD(rate 0.05, momentum 0.9, weight decay 0.01)
    adam    torch.optim.Adam(rate 0.001, epsilon 1e-6, weight decay 0.01)
    adamw   torch.optim.AdamW(rate 0.001, epsilon 1e-6, weight decay 0.01)
    bf16    the same, with matrix products in bfloat16 (torch.autocast); of this one the losses alone are kept

with no decay for biases and layer norms, gradients cut to a norm of 1 and transformers' linear schedule with two steps
of warm-up. The loss is cross entropy with the ignored index -100. (The gradient of an attention key's bias is 0 but for
rounding, which Adam blows up: the test leaves these out with Adam.)

    {"batches": [{"ids": [[…]], "targets": [[…]]}],
     "runs": {"sgd": {"losses": […], "weights": {"name": {"every": 17, "values": […], "sum": …}}}, …}}

Rows are padded on the right with 0 and -100. "values" holds each 17th number of a weight after the ten steps.
"""

import json
from pathlib import Path

import torch
from transformers import BertForTokenClassification, get_linear_schedule_with_warmup

DATA = Path(__file__).resolve().parents[1] / "data"
EVERY = 17
STEPS = 10


def make_batches():
    generator = torch.Generator().manual_seed(3)

    def draw(low, high):
        return int(torch.randint(low, high, (1,), generator=generator))

    batches = []
    for _ in range(STEPS):
        lengths = [draw(3, 14) for _ in range(4)]
        ids, targets = [], []
        for length in lengths:
            ids.append([2] + [draw(5, 151) for _ in range(length)] + [3])
            # every third place or so is not the first sub-word of a word
            targets.append([-100] + [-100 if draw(0, 3) == 0 else draw(0, 9) for _ in range(length)] + [-100])
        width = max(lengths) + 2
        batches.append(
            {
                "ids": [row + [0] * (width - len(row)) for row in ids],
                "targets": [row + [-100] * (width - len(row)) for row in targets],
                "lengths": [length + 2 for length in lengths],
            }
        )
    return batches


def make_optimiser(name, model):
    plain, shrinking = [], []
    for key, parameter in model.named_parameters():
        (plain if "bias" in key or "LayerNorm" in key else shrinking).append(parameter)
    groups = [{"params": shrinking, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    if name == "sgd":
        return torch.optim.SGD(groups, lr=0.05, momentum=0.9)
    kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
    return kind(groups, lr=0.001, eps=1e-6)


def run(name, batches):
    model = BertForTokenClassification.from_pretrained(
        DATA / "tiny-bert", dtype=torch.float32, attn_implementation="eager"
    ).eval()
    optimiser = make_optimiser(name, model)
    schedule = get_linear_schedule_with_warmup(optimiser, 2, STEPS)
    losses = []
    for batch in batches:
        ids = torch.tensor(batch["ids"])
        mask = torch.tensor([[int(i < n) for i in range(ids.shape[1])] for n in batch["lengths"]])
        with torch.autocast("cpu", torch.bfloat16, enabled=name == "bf16"):
            logits = model(input_ids=ids, attention_mask=mask).logits.float()
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), torch.tensor(batch["targets"]).flatten(), ignore_index=-100
        )
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        losses.append(float(f"{loss.item():.8g}"))
    if name == "bf16":
        return {"losses": losses}
    weights = {}
    for key, parameter in sorted(model.named_parameters()):
        flat = parameter.detach().flatten()
        weights[key] = {
            "every": EVERY,
            "values": [float(f"{x:.8g}") for x in flat[::EVERY].tolist()],
            "sum": float(f"{flat.double().sum().item():.10g}"),
        }
    return {"losses": losses, "weights": weights}


def main():
    torch.set_num_threads(1)
    batches = make_batches()
    runs = {name: run(name, batches) for name in ["sgd", "adam", "adamw", "bf16"]}
    out = DATA / "parity" / "training.json"
    out.write_text(json.dumps({"batches": batches, "runs": runs}, separators=(",", ":")) + "\n")
    for name, made in runs.items():
        print(name, made["losses"][0], made["losses"][-1])
    print(out, out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
