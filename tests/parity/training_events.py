"""Looks whether TensorBoard reads the curves that `spanloom train` wrote.

    python tests/parity/training_events.py FOLDER

Reads FOLDER/training with TensorBoard's own reader, which checks every checksum, and compares loss, rate and norm of each
step and the score of each evaluation with those of FOLDER/training/log.jsonl.
"""

import json
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def main():
    training = Path(sys.argv[1]) / "training"
    events = EventAccumulator(str(training), size_guidance={"scalars": 0}).Reload()
    log = [json.loads(line) for line in (training / "log.jsonl").read_text().splitlines()]
    expected = {tag: {} for tag in ["train/loss", "train/rate", "train/norm", "dev/score"]}
    for line in log:
        if "dev" in line:
            expected["dev/score"][line["step"]] = line["dev"]["score"]
        else:
            for name in ["loss", "rate", "norm"]:
                expected[f"train/{name}"][line["step"]] = line[name]
    points = 0
    for tag, curve in expected.items():
        read = {point.step: point.value for point in events.Scalars(tag)} if curve else {}
        assert read.keys() == curve.keys(), tag
        for step, value in curve.items():
            assert abs(read[step] - value) <= 1e-6 * max(1.0, abs(value)), (tag, step, read[step], value)
        points += len(curve)
    print(f"{points} points of {len(events.Tags()['scalars'])} curves")


if __name__ == "__main__":
    main()
