"""What docs/python.md promises, with the package that is installed: a ResNet-18 with torchvision's names, made on the spot, becomes a
model, and answers as the program whose path is given does, bit for bit."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import rarebit

CLASSES, SIDE = 7, 64


def tensor(random, *shape):
    fan = int(np.prod(shape[1:])) if len(shape) > 1 else 1
    return (random.standard_normal(shape) * np.sqrt(2 / fan)).astype(np.float32)


def batch_norm(random, name, channels, tensors):
    tensors[f"{name}.weight"] = (1 + 0.1 * random.standard_normal(channels)).astype(np.float32)
    tensors[f"{name}.bias"] = (0.1 * random.standard_normal(channels)).astype(np.float32)
    tensors[f"{name}.running_mean"] = np.zeros(channels, np.float32)
    tensors[f"{name}.running_var"] = np.ones(channels, np.float32)


def resnet18(random):
    """Random weights under the names and in the shapes of torchvision's."""
    tensors = {"conv1.weight": tensor(random, 64, 3, 7, 7)}
    batch_norm(random, "bn1", 64, tensors)
    before = 64
    for layer, channels in enumerate((64, 128, 256, 512), 1):
        for block in range(2):
            name = f"layer{layer}.{block}"
            tensors[f"{name}.conv1.weight"] = tensor(random, channels, before, 3, 3)
            batch_norm(random, f"{name}.bn1", channels, tensors)
            tensors[f"{name}.conv2.weight"] = tensor(random, channels, channels, 3, 3)
            batch_norm(random, f"{name}.bn2", channels, tensors)
            if before != channels:
                tensors[f"{name}.downsample.0.weight"] = tensor(random, channels, before, 1, 1)
                batch_norm(random, f"{name}.downsample.1", channels, tensors)
            before = channels
    tensors["fc.weight"] = tensor(random, CLASSES, 512)
    tensors["fc.bias"] = np.zeros(CLASSES, np.float32)
    return tensors


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for values in tensors.values():
            file.write(values.tobytes())


def main():
    program, random = sys.argv[1], np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_safetensors(folder / "resnet18.safetensors", resnet18(random))
        pictures = [random.integers(0, 256, (50 + 7 * i, 90 - 5 * i, 3), dtype=np.uint8) for i in range(6)]
        (folder / "counts.txt").write_text("".join(f"{100 - 10 * i}\n" for i in range(CLASSES)))
        report = rarebit.convert(
            folder / "resnet18.safetensors", folder / "model.rbit", calibration=pictures, input=f"3x{SIDE}x{SIDE}",
            mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), class_counts=folder / "counts.txt")  # fmt: skip
        assert isinstance(report, dict) and report, "convert answers no report"
        model = rarebit.Model(folder / "model.rbit")
        assert model.signer is None, model.signer
        assert (model.width, model.height, len(model.classes)) == (SIDE, SIDE, CLASSES), model
        assert model.class_counts == [100 - 10 * i for i in range(CLASSES)], model.class_counts

        names = []
        for number, picture in enumerate(pictures):
            path = folder / f"{number}.ppm"
            path.write_bytes(b"P6 %d %d 255\n" % (picture.shape[1], picture.shape[0]) + picture.tobytes())
            names.append(str(path))
        said = subprocess.run(
            [program, "classify", str(folder / "model.rbit"), *names, "--json", "--alpha", "0"], check=True,
            stdout=subprocess.PIPE, text=True).stdout  # fmt: skip
        for picture, line in zip(pictures, said.splitlines()):
            record, answer = json.loads(line), model(picture, alpha=0)
            assert answer.logits_crc == record["logits_crc"], (answer, record)
            assert [one.name for one in answer.top] == [one["name"] for one in record["top"]], (answer, record)
        answers = model.batch(pictures, alpha=0)
        assert answers.logits.shape == (6, CLASSES) and answers.features.shape == (6, 512)
        assert (answers.logits[-1] == answer.logits).all() and (answers.best[-1] == answer.top[0].index)
        shares = np.eye(CLASSES)[2] + 1e-6
        assert model(pictures[0], prior=shares).top[0].index == 2

        for call, kind, words in [
            (lambda: rarebit.Model(folder / "counts.txt"), rarebit.RarebitError, "counts.txt: not a rarebit model"),
            (lambda: rarebit.convert(folder / "counts.txt", folder / "no.rbit", calibration=pictures), rarebit.ConverterError, ""),
            (lambda: model(pictures[0].astype(float)), ValueError, "uint8"),
        ]:
            try:
                call()
            except kind as error:
                assert words in str(error) and "\n" not in str(error), error
            else:
                raise AssertionError(f"{kind} was not raised")
        print(f"wheel: {len(pictures)} pictures as the program, logits {answer.logits_crc}")


main()
