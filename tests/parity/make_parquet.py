"""Writes tests/data/formats/*.parquet with the Python package `datasets` of Hugging Face, in the forms in
which corpora are published there: tags as class labels, tags as names, and numbers without names.

    pip install datasets==5.2.0 && python tests/parity/make_parquet.py
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Dataset, Features, Sequence, Value

FOLDER = Path(__file__).parent.parent / "data" / "formats"
NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def main():
    FOLDER.mkdir(exist_ok=True)
    tokens = [["Ann", "left", "New", "York"], ["it"]]
    features = Features({"tokens": Sequence(Value("string")), "ner_tags": Sequence(ClassLabel(names=NAMES))})
    labelled = Dataset.from_dict({"tokens": tokens, "ner_tags": [[1, 0, 3, 4], [0]]}, features=features)
    labelled.to_parquet(FOLDER / "class-labels.parquet")
    named = Dataset.from_dict(
        {"id": ["a", "b"], "tokens": [["Ann", "left"], ["it"]], "tags": [["B-PER", "O"], ["O"]], "lang": ["en", "en"]}
    )
    named.to_parquet(FOLDER / "tag-names.parquet")
    table = pa.table({"tokens": [["Ann"]], "ner_tags": pa.array([[1]], pa.list_(pa.int8()))})
    pq.write_table(table, FOLDER / "no-names.parquet")


if __name__ == "__main__":
    main()
