"""Writes what PyTorch computes from the committed checkpoint, for other runtimes to compare with: golden.py.

Tests/Fixtures/fashion-mnist-lt.golden begins with text lines, each ended by a line feed:

    rarebit-golden 1                      format and version
    checkpoint SHA256                     of Tools/models/fashion-mnist-lt/checkpoint.pth, in hexadecimal
    NAME TYPE SIZE SIZE ...               one line for each array: uint8 or float32, then its sizes, outermost first
                                          an empty line ends the header

Then the arrays' raw values follow in the header's order, row-major, little-endian, nothing between them:

    images          uint8    16 32 32 3   image, row, column, R G B: before normalisation
    features        float32  16 128       after global average pooling
    logits-alpha-0  float32  16 10        TDE off
    logits-alpha-1  float32  16 10        TDE with alpha 1

The images come from whole-number formulas: nobody needs a data set to make them again.
"""

import hashlib
from pathlib import Path

import torch

import checkpoint
import config as configuration
import datasets
from evaluate import features_of

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "Tools" / "models" / "fashion-mnist-lt"
OUTPUT = ROOT / "Tests" / "Fixtures" / "fashion-mnist-lt.golden"

COUNT, SIZE = 16, 32


def main():
    torch.use_deterministic_algorithms(True)
    config = configuration.load(MODEL / "config.yaml")
    path = MODEL / "checkpoint.pth"
    feat_model, classifier, direction = checkpoint.load_model(path, config)

    images = synthetic_images()
    pixels = images.permute(0, 3, 1, 2)
    features = features_of(feat_model, datasets.Images(pixels, torch.zeros(COUNT)), config)
    with torch.no_grad():
        arrays = {
            "images": images,
            "features": features,
            "logits-alpha-0": classifier(features, direction, 0.0),
            "logits-alpha-1": classifier(features, direction, 1.0),
        }
    write(arrays, hashlib.sha256(path.read_bytes()).hexdigest())


def synthetic_images():
    """Textured shapes on black, like the training images, then eight textures that fill the frame, unlike them."""
    n = torch.arange(COUNT).view(-1, 1, 1, 1)
    y = torch.arange(SIZE).view(1, -1, 1, 1)
    x = torch.arange(SIZE).view(1, 1, -1, 1)
    c = torch.arange(3).view(1, 1, 1, -1)
    width = 6 + (7 * n + y * (n % 5)) % 24
    inside = ((2 * x - 31).abs() <= width) & (y >= 3) & (y < 29)
    shape = torch.where(inside, 64 + (37 * n + 11 * x + 5 * y + 40 * c) % 192, 0)
    texture = (x * (n + 3) + y * (2 * n + 1) + 29 * c + ((x * y) >> (n % 4))) % 256
    return torch.where(n < COUNT // 2, shape, texture).to(torch.uint8)


def write(arrays, checkpoint_hash):
    lines = ["rarebit-golden 1", f"checkpoint {checkpoint_hash}"]
    for name, array in arrays.items():
        sizes = " ".join(str(size) for size in array.shape)
        lines.append(f"{name} {str(array.dtype).removeprefix('torch.')} {sizes}")
    with open(OUTPUT, "wb") as file:
        file.write(("\n".join(lines) + "\n\n").encode("ascii"))
        for array in arrays.values():
            # NumPy's explicit "<": the file is little-endian wherever it is written.
            values = array.contiguous().numpy()
            file.write(values.astype(values.dtype.newbyteorder("<")).tobytes())


if __name__ == "__main__":
    configuration.run(main)
