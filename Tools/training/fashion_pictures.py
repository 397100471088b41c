"""Fashion-MNIST-LT as folders of pictures: fashion_pictures.py OUT [--tests N] [--data DIR].

OUT/train/CLASS/NUMBER.png are the training images of configs/fashion-mnist-lt.yaml, OUT/test/CLASS/NUMBER.png the first N test
images of each class: what train.py takes as images:OUT, and Tools/train OUT/train as pictures of your own.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image

import config as configuration
import data
from config import UserError

HERE = Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser(description="Write Fashion-MNIST-LT as folders of pictures.")
    parser.add_argument("out", type=Path, help="new folder")
    parser.add_argument("--tests", type=int, default=1000, help="test images of each class (default: all 1000)")
    parser.add_argument("--data", type=Path, help="folder with the set's four files (default: Debian's package)")
    arguments = parser.parse_args()
    if arguments.tests < 1:
        parser.error("--tests must be at least 1")
    if arguments.out.exists():
        raise UserError(f"{arguments.out}: exists: name a new folder")
    config = configuration.load(HERE / "configs/fashion-mnist-lt.yaml")
    parts = data.load(f"fashion-mnist:{arguments.data or ''}", config)
    for part, images, most in (("train", parts.train, None), ("test", parts.test, arguments.tests)):
        for label, name in enumerate(parts.names):
            folder = arguments.out / part / name.replace("/", " or ")
            folder.mkdir(parents=True)
            for index in torch.nonzero(images.labels == label).flatten()[:most].tolist():
                # Without the margin that makes 32x32 of it, and its three channels are alike.
                Image.fromarray(images.pixels[index, 0, 2:-2, 2:-2].numpy()).save(folder / f"{index:05}.png")


if __name__ == "__main__":
    configuration.run(main)
