"""How models of PyTorch are run."""

import torch


def of_torch(model, batches):
    """What runs a model over batches, each the ids and the mask."""

    def run():
        with torch.inference_mode():
            for ids, mask in batches:
                model(input_ids=ids, attention_mask=mask)

    return run
