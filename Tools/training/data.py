"""Fashion-MNIST as 3x32x32 images, its long-tailed training part, and the training augmentation."""

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from config import UserError

# Where Debian's package dataset-fashion-mnist puts its files.
DEBIAN_FOLDER = "/usr/share/datasets/fashion-mnist"

FASHION_MNIST_NAMES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]


@dataclass
class Images:
    """`pixels`: uint8 [N, 3, 32, 32]. `labels`: int64 [N]."""

    pixels: torch.Tensor
    labels: torch.Tensor

    def __len__(self):
        return len(self.labels)

    def pick(self, indices):
        return Images(self.pixels[indices], self.labels[indices])


@dataclass
class Parts:
    train: Images
    held_out: Images
    test: Images
    names: list[str]
    counts: list[int]


def long_tail_counts(classes, most, ratio):
    """Images per class, falling exponentially from `most` to `ratio * most`."""
    # The small addition keeps a count that is exact on paper, like 1000 * 0.01, from falling short by rounding.
    return [int(most * ratio ** (i / (classes - 1)) + 1e-9) for i in range(classes)]


def load(spec, config):
    """`spec`: fashion-mnist or fashion-mnist:DIR. Thins the training part as the configuration says."""
    name, _, folder = spec.partition(":")
    if name != "fashion-mnist":
        raise UserError(f"data {spec!r} is unknown: use fashion-mnist or fashion-mnist:DIR")
    classes = config["networks"]["classifier"]["params"]["num_classes"]
    if classes != len(FASHION_MNIST_NAMES):
        raise UserError(f"num_classes is {classes} but fashion-mnist has {len(FASHION_MNIST_NAMES)}: correct the configuration")
    if config["input"]["size"] != 32:
        raise UserError("input.size must be 32 for fashion-mnist")

    folder = Path(folder or DEBIAN_FOLDER)
    whole = _read_part(folder, "train")
    options = config["training_opt"]
    counts = long_tail_counts(classes, options["max_images"], options["cifar_imb_ratio"])
    first, last = [], []
    for label, count in enumerate(counts):
        indices = torch.nonzero(whole.labels == label).flatten()
        needed = count + options["held_out"]
        if count < 1 or len(indices) < needed:
            raise UserError(
                f"{folder}: class {FASHION_MNIST_NAMES[label]} has {len(indices)} training images and {needed} are asked"
                f" for ({count} to train, {options['held_out']} held out): change max_images, cifar_imb_ratio or held_out"
            )
        # The file is shuffled already: its first and last images of a class are as good as a random pick,
        # never overlap, and any tool can repeat the pick without this one's random numbers.
        first.append(indices[:count])
        last.append(indices[-options["held_out"] :])
    return Parts(
        train=whole.pick(torch.cat(first)),
        held_out=whole.pick(torch.cat(last)),
        test=_read_part(folder, "t10k"),
        names=FASHION_MNIST_NAMES,
        counts=counts,
    )


def _read_part(folder, part):
    grey = _read_idx(folder / f"{part}-images-idx3-ubyte.gz", dimensions=3)
    labels = _read_idx(folder / f"{part}-labels-idx1-ubyte.gz", dimensions=1)
    if len(grey) != len(labels) or grey.shape[1:] != (28, 28) or labels.max() >= len(FASHION_MNIST_NAMES):
        raise UserError(f"{folder}: the {part} images and labels do not belong together: install dataset-fashion-mnist again")
    # Zeros are the data set's background, so padding 28 to 32 adds nothing that was not there.
    padded = F.pad(torch.from_numpy(grey), (2, 2, 2, 2))
    return Images(padded[:, None].repeat(1, 3, 1, 1), torch.from_numpy(labels).long())


def _read_idx(path, dimensions):
    """An IDX file: 0, 0, 8 (unsigned bytes), the number of dimensions, each as big-endian uint32, the values."""
    try:
        raw = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file: install Debian's package dataset-fashion-mnist, or name its folder as fashion-mnist:DIR"
        ) from None
    except (OSError, EOFError, zlib.error):
        raise UserError(f"{path}: cannot be read as gzip: install dataset-fashion-mnist again") from None
    start = 4 + 4 * dimensions
    if len(raw) >= start and raw[:4] == bytes([0, 0, 8, dimensions]):
        shape = struct.unpack(f">{dimensions}I", raw[4:start])
        if len(raw) - start == np.prod(shape, dtype=np.int64) > 0:
            return np.frombuffer(raw, np.uint8, offset=start).reshape(shape).copy()
    raise UserError(f"{path}: is not an IDX file of {dimensions} dimensions: install dataset-fashion-mnist again")


def augment(pixels, generator, margin=4):
    """Random crop after padding by `margin`, and a random left-right flip, different for every image."""
    count, _, height, width = pixels.shape
    padded = F.pad(pixels, (margin,) * 4)
    top = torch.randint(2 * margin + 1, (count, 1), generator=generator)
    left = torch.randint(2 * margin + 1, (count, 1), generator=generator)
    flip = torch.rand(count, 1, generator=generator) < 0.5
    rows = top + torch.arange(height)
    columns = torch.arange(width)
    columns = left + torch.where(flip, columns.flip(0), columns)
    image = torch.arange(count)
    # The index brings the channels last; the result is viewed as [N, 3, H, W] again.
    return padded[image[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def normalise(pixels, config):
    mean = torch.tensor(config["input"]["mean"]).view(1, 3, 1, 1)
    std = torch.tensor(config["input"]["std"]).view(1, 3, 1, 1)
    return ((pixels.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)
