"""Composes pictures of garments with boxes and masks: garments.py --out DIR [--seed N] [--most N] [--ratio R] [--test N].

The garments are Fashion-MNIST's (Debian's package dataset-fashion-mnist), so every machine can make the same scenes. DIR gets train.json
and test.json, annotations in COCO's format, and the pictures that they name. The training scenes are long-tailed: class i is shown by as
many garments as in the classifier's data set of the same numbers, its first ones; the test scenes show every class equally often.
A mask is every pixel that was painted with the garment and not painted over, a box is the mask's, and both are exact.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

import config as configuration
import data
import datasets
from config import UserError

WIDTH, HEIGHT = 320, 240
# The longer side of the square that a garment is painted in, in pixels.
SMALLEST, LARGEST = 48, 128
GARMENTS_A_SCENE = (2, 6)
# No garment is covered so far that less than this share of it is seen.
SEEN = 0.6
# Places that are tried for a garment before the scene is full.
TRIES = 20
# Darker than this is the data set's background, after enlarging too.
DARKEST = 16


def main():
    parser = argparse.ArgumentParser(description="Compose scenes of garments, with boxes and masks, for training a detector.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the scenes; new")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is drawn (default: 1)")
    parser.add_argument("--most", type=int, default=600, help="training garments of the most frequent class (default: 600)")
    parser.add_argument("--ratio", type=float, default=0.01, help="smallest class / largest class (default: 0.01)")
    parser.add_argument("--test", type=int, default=60, help="test garments of each class (default: 60)")
    parser.add_argument("--garments", help="folder of Fashion-MNIST's files (default: that of Debian's package)")
    arguments = parser.parse_args()
    if not 0 < arguments.ratio <= 1 or arguments.most * arguments.ratio < 1:
        raise UserError("--ratio must be above 0, at most 1, and leave the rarest class a garment: give a larger one, or a larger --most")
    if arguments.test < 1:
        raise UserError("--test must be at least 1")
    if arguments.out.exists() and (not arguments.out.is_dir() or any(arguments.out.iterdir())):
        raise UserError(f"{arguments.out}: is not an empty folder: name a new one")
    names = datasets.FASHION_MNIST_NAMES
    counts = data.long_tail_counts(len(names), arguments.most, arguments.ratio)
    folder = Path(arguments.garments or datasets.DEBIAN_FOLDER)
    parts = {"train": ("train", counts), "test": ("t10k", [arguments.test] * len(names))}
    # Both parts are known to be enough before anything is written.
    garments = {part: chosen(datasets.read_fashion_part(folder, file), wanted, file) for part, (file, wanted) in parts.items()}
    for number, (part, found) in enumerate(garments.items()):
        random = np.random.default_rng([arguments.seed, number])
        annotations = write_part(arguments.out, part, found, names, random)
        print(f"{arguments.out / part}.json: {len(annotations['images'])} scenes, {len(annotations['annotations'])} garments")


def chosen(images, counts, part):
    """The first `counts` grey pictures [N, 32, 32] of each class, with their labels [N]."""
    pixels, labels = [], []
    for label, count in enumerate(counts):
        indices = np.flatnonzero(images.labels.numpy() == label)
        if len(indices) < count:
            name = datasets.FASHION_MNIST_NAMES[label]
            raise UserError(f"{part}: has {len(indices)} garments of {name}, {count} are asked for: ask for fewer with --most and --test")
        pixels.append(images.pixels[indices[:count], 0].numpy())
        labels += [label] * count
    return np.concatenate(pixels), np.array(labels)


def write_part(folder, part, garments, names, random):
    """Every garment once, in scenes; returns the annotations."""
    (folder / part).mkdir(parents=True, exist_ok=True)
    pixels, labels = garments
    waiting = random.permutation(len(labels)).tolist()
    images, annotations = [], []
    while waiting:
        wanted = int(random.integers(GARMENTS_A_SCENE[0], GARMENTS_A_SCENE[1] + 1))
        scene = Scene(random)
        while waiting and len(scene.masks) < wanted and scene.put(pixels[waiting[-1]], int(labels[waiting[-1]])):
            waiting.pop()
        number = len(images) + 1
        name = f"{part}/{number:06}.png"
        Image.fromarray(scene.canvas).save(folder / name)
        images.append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
        for mask, label in zip(scene.masks, scene.labels):
            annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": label + 1} | shape_of(mask))
    categories = [{"id": label + 1, "name": name} for label, name in enumerate(names)]
    contents = {"images": images, "annotations": annotations, "categories": categories}
    (folder / f"{part}.json").write_text(json.dumps(contents) + "\n", encoding="utf-8")
    return contents


class Scene:
    """A picture [H, W, 3] of uint8 and, of the garments on it so far, the masks [H, W] of what is seen of them."""

    def __init__(self, random):
        self.random = random
        # Soft patches of colour with grain: no two scenes have the same ground, and none is a garment.
        patches = Image.fromarray(random.integers(20, 200, (4, 5, 3), dtype=np.uint8)).resize((WIDTH, HEIGHT), Image.BICUBIC)
        self.canvas = (np.array(patches) + random.normal(0, 8, (HEIGHT, WIDTH, 3))).clip(0, 255).astype(np.uint8)
        self.masks, self.labels, self.whole = [], [], []

    def put(self, garment, label):
        """Paints it at a place where no other garment is covered too far; False if none was found."""
        side = int(self.random.integers(SMALLEST, LARGEST + 1))
        if self.random.random() < 0.5:
            garment = garment[:, ::-1]
        grey = np.array(Image.fromarray(np.ascontiguousarray(garment)).resize((side, side), Image.BILINEAR))
        shape = grey >= DARKEST
        colour = self.random.uniform(0.4, 1, 3)
        for _ in range(TRIES):
            top, left = (int(self.random.integers(length - side + 1)) for length in (HEIGHT, WIDTH))
            mask = np.zeros((HEIGHT, WIDTH), bool)
            mask[top : top + side, left : left + side] = shape
            left_over = [seen & ~mask for seen in self.masks]
            if all(seen.sum() >= SEEN * area for seen, area in zip(left_over, self.whole)):
                self.canvas[mask] = (grey[shape][:, None] * colour).astype(np.uint8)
                self.masks = [*left_over, mask]
                self.labels.append(label)
                self.whole.append(int(mask.sum()))
                return True
        return False


def shape_of(mask):
    """COCO's fields of a mask: its box, its area in pixels, and its run lengths, column by column and beginning with what is outside."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    flat = np.concatenate([[False], mask.flatten(order="F")])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    runs = np.diff(np.concatenate([[0], changes, [mask.size]])).tolist()
    return {
        "bbox": [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top],
        "area": int(mask.sum()),
        "iscrowd": 0,
        "segmentation": {"size": list(mask.shape), "counts": runs},
    }


if __name__ == "__main__":
    configuration.run(main)
