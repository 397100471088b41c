"""Writes small checkpoints by PyTorch itself, for the tests of readers: Tests/Fixtures/checkpoints.

tiny-tensors.pt        tensors of every memory layout a checkpoint can hold, and plain Python values
with-module-prefix.pt  weights saved from nn.DataParallel: every name begins with "module."
tiny-tensors.legacy.pt, tiny-tensors.no-checksums.pt   the same in the form before PyTorch 1.6, and without CRC-32
every-type.safetensors a tensor of every type that the form has
whole-training.pt      a training's whole state: float16 weights, optimiser, scheduler, generator states, a foreign object
whole-module.pt        a module saved whole, not its state dict, wrapped by DataParallel
unknown-global.pt      would run a shell command in a reader that executes what it reads (a harmless echo)
foreign-object.pt      an argparse.Namespace beside the weights, as many training scripts leave one

All but the last two have a .json beside them with what a reader must find: under "tensors", path to dtype, shape and values in
row-major order; under "values", everything else (a tuple as a list). Keys hold dots, so a path joins them with "/".
"""

import argparse
import json
import os
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

import backbones
import classifiers

FOLDER = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "checkpoints"


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    write_with_manifest("tiny-tensors", tiny_tensors())
    torch.manual_seed(1)
    torch.save(tiny_tensors(), FOLDER / "tiny-tensors.legacy.pt", _use_new_zipfile_serialization=False)
    torch.serialization.set_crc32_options(False)
    torch.manual_seed(1)
    torch.save(tiny_tensors(), FOLDER / "tiny-tensors.no-checksums.pt")
    torch.serialization.set_crc32_options(True)
    write_with_manifest("with-module-prefix", with_module_prefix())
    write_manifest("every-type", every_type())
    save_file(every_type(), FOLDER / "every-type.safetensors", metadata={"format": "pt", "note": 'a "quoted" täxt'})
    write_with_manifest("whole-training", whole_training())
    write_with_manifest("whole-module", nn.DataParallel(TinyNetwork()))
    torch.save({"state_dict_best": weights(), "surprise": RunsACommand()}, FOLDER / "unknown-global.pt")
    torch.save({"state_dict_best": weights(), "args": argparse.Namespace(lr=0.2, dataset="tiny")}, FOLDER / "foreign-object.pt")


def tiny_tensors():
    counting = torch.arange(40, dtype=torch.float32)
    shared = torch.linspace(-1, 1, 12)
    layouts = OrderedDict(
        [
            ("contiguous", torch.randn(2, 3, 3, 3)),
            ("transposed", counting[:12].clone().view(3, 4).T),
            ("sliced", counting.view(8, 5)[2:6:2, 1:4]),
            ("channels_last", torch.randn(1, 2, 2, 3).contiguous(memory_format=torch.channels_last)),
            # One value, repeated by a stride of 0.
            ("expanded", torch.tensor([[0.5]]).expand(2, 3)),
            ("shared.whole", shared),
            ("shared.part", shared[6:].view(2, 3)),
            ("empty", torch.empty(0, 4)),
            ("bn1.num_batches_tracked", torch.tensor(42)),
        ]
    )
    return {
        "epoch": 7,
        "best_acc": 0.8125,
        "name": "tiny, käse",
        "nothing": None,
        "yes": True,
        "no": False,
        "negative": -3,
        "medium": 70000,
        "large": 2**40,
        "steps": [120, 160],
        "pair": (1, "two"),
        "options": {"alpha": 1.5, "nested": {"empty list": [], "empty tuple": ()}},
        "state_dict_best": {"feat_model": layouts, "classifier": OrderedDict(weight=torch.randn(3, 4))},
        # Numbers that a detour through text or another byte order would spoil.
        "embed": np.array([0.1, -2.5, 1e-30, 3.4028235e38, -0.0, 1 / 3], np.float32),
        "embed_as_tensor": torch.tensor([1.0, 2.0]),
    }


def every_type():
    numbers = torch.tensor([[0, 1, 2], [100, 5, 6]])
    names = "float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool".split()
    return {name: numbers.to(getattr(torch, name)) for name in names} | {"scalar": torch.tensor(2.5), "empty": torch.empty(0, 3)}


def with_module_prefix():
    feat_model = nn.DataParallel(backbones.BasicBlock(3, 4, stride=2))
    classifier = nn.DataParallel(classifiers.CausalNormClassifier(4, 3, num_head=2, tau=16.0, gamma=1 / 32))
    state = {"feat_model": feat_model.state_dict(), "classifier": classifier.state_dict()}
    return {"epoch": 1, "best_epoch": 1, "state_dict_best": state, "best_acc": 0.5, "embed": np.ones(4, np.float32)}


class TinyNetwork(nn.Module):
    """A backbone with a submodule of submodules, and a linear layer."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 2, 3, bias=False), nn.BatchNorm2d(2), nn.ReLU())
        self.fc = nn.Linear(2, 3)


def whole_training():
    network = TinyNetwork()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    network.fc(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return {
        "epoch": 3,
        "model": network.half().state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "numpy generator": np.random.RandomState(1).get_state(),
        "torch generator": torch.get_rng_state()[:16].clone(),
        "best": {np.float64(0.5)},
        "args": argparse.Namespace(lr=1e-3, data={"root": "images"}),
    }


def weights():
    return OrderedDict([("fc.weight", torch.ones(2, 3)), ("fc.bias", torch.zeros(2))])


class RunsACommand:
    def __reduce__(self):
        return os.system, ("echo a checkpoint was executed",)


def write_with_manifest(name, contents):
    torch.save(contents, FOLDER / f"{name}.pt")
    write_manifest(name, contents)


def write_manifest(name, contents):
    tensors, values = {}, {}
    describe(contents, "", tensors, values)
    manifest = {"tensors": tensors, "values": values}
    (FOLDER / f"{name}.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def describe(value, path, tensors, values):
    if isinstance(value, nn.Module):
        describe(value.state_dict(), path, tensors, values)
    elif isinstance(value, dict) and value:
        for key, item in value.items():
            describe(item, f"{path}/{key}" if path else key, tensors, values)
    elif isinstance(value, (torch.Tensor, np.ndarray)):
        tensor = torch.as_tensor(value)
        # A float32 written as a double is exact, and comes back as the same float32.
        flat = (tensor.int() if tensor.dtype == torch.bool else tensor).flatten().tolist()
        dtype = str(tensor.dtype).removeprefix("torch.")
        tensors[path] = {"dtype": dtype, "shape": list(tensor.shape), "values": flat}
    elif isinstance(value, (list, tuple)) and any(isinstance(item, (dict, np.ndarray)) for item in value):
        describe(dict(enumerate(value)), path, tensors, values)
    elif isinstance(value, (str, int, float, list, tuple, dict, type(None))):
        values[path] = value


if __name__ == "__main__":
    main()
