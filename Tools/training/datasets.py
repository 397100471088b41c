"""Reads labelled images: readers of the data sets' files. data.py chooses among them and thins; pictures.py has folders."""

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from config import UserError
from pictures import read_images, read_lists

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
    """Held in memory. `pixels`: uint8 [N, 3, H, W]. `labels`: int64 [N]."""

    pixels: torch.Tensor
    labels: torch.Tensor

    def __len__(self):
        return len(self.labels)

    def pick(self, indices):
        return Images(self.pixels[indices], self.labels[indices])


def read_fashion_mnist(folder, config):
    """The training part, the test part, the classes' names and lines to be said, as every reader gives them."""
    require_size(config, "fashion-mnist")
    folder = Path(folder or DEBIAN_FOLDER)
    return read_fashion_part(folder, "train"), read_fashion_part(folder, "t10k"), FASHION_MNIST_NAMES, []


def read_fashion_part(folder, part):
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


@dataclass
class CIFARLayout:
    """Files of the standard binary layout, and the label bytes that stand before a record's 3072 pixels."""

    train: str
    test: str
    names: str
    label_bytes: int


CIFAR10 = CIFARLayout("data_batch_*.bin", "test_batch.bin", "batches.meta.txt", 1)
CIFAR100 = CIFARLayout("train.bin", "test.bin", "fine_label_names.txt", 2)


def read_cifar10(folder, config):
    return _read_cifar("cifar10", CIFAR10, folder, config)


def read_cifar100(folder, config):
    return _read_cifar("cifar100", CIFAR100, folder, config)


def _read_cifar(name, layout, folder, config):
    if not folder:
        raise UserError(f"{name}: its folder is not known: give --data {name}:DIR, with the binary version unpacked in DIR")
    require_size(config, name)
    folder = Path(folder)
    try:
        names = (folder / layout.names).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        raise _wrong_folder(name, folder / layout.names) from None
    train = sorted(folder.glob(layout.train))
    if not train:
        raise _wrong_folder(name, folder / layout.train)
    return (
        _read_records(name, train, layout.label_bytes, len(names)),
        _read_records(name, [folder / layout.test], layout.label_bytes, len(names)),
        names,
        [],
    )


def _wrong_folder(name, path):
    return UserError(f"{path}: no such file, or not readable: give the folder of {name}'s binary version")


def _read_records(name, paths, label_bytes, classes):
    size = label_bytes + 3072
    parts = []
    for path in paths:
        try:
            raw = np.fromfile(path, np.uint8)
        except OSError:
            raise _wrong_folder(name, path) from None
        if len(raw) == 0 or len(raw) % size != 0:
            raise UserError(f"{path}: has {len(raw)} bytes, not records of {size}: give the folder of {name}'s binary version")
        parts.append(raw.reshape(-1, size))
        if parts[-1][:, label_bytes - 1].max() >= classes:
            raise UserError(f"{path}: has labels beyond the {classes} classes: give the folder of {name}'s binary version")
    records = torch.from_numpy(np.concatenate(parts))
    pixels = records[:, label_bytes:].reshape(-1, 3, 32, 32).contiguous()
    return Images(pixels, records[:, label_bytes - 1].long())


def require_size(config, name):
    if config["input"]["size"] != 32:
        raise UserError(f"input.size must be 32 for {name}")


READERS = {
    "fashion-mnist": read_fashion_mnist,
    "cifar10": read_cifar10,
    "cifar100": read_cifar100,
    "images": read_images,
    "list": read_lists,
}
