"""The networks by name, and pseudo-random pictures for them, the same on every machine. Needs NumPy alone."""

import os
import tempfile
from pathlib import Path

import numpy as np

# Name to input side and classes.
NETWORKS = {
    "resnet32": (32, 100),
    "resnet10": (224, 1000),
    "resnet50": (224, 1000),
    "resnext50": (224, 1000),
    "mobilenetv2": (224, 1000),
}
CALIBRATION, TEST = 64, 32
MEAN, STD = 0.5, 64 / 255  # of a picture / 255: about -2 to 2


def folder(network):
    """Where a network's files lie: below $PEERS, or in the folder for temporary files."""
    place = Path(os.environ.get("PEERS", Path(tempfile.gettempdir()) / "rarebit-peers")) / network
    place.mkdir(parents=True, exist_ok=True)
    return place


def pictures(network, count, seed):
    """uint8 [count, side, side, 3]: smooth random fields of four octaves, and some noise."""
    side = NETWORKS[network][0]
    random = np.random.default_rng(seed)
    made = np.empty((count, side, side, 3), np.uint8)
    for index in range(count):
        field = 0.1 * random.normal(size=(side, side, 3))
        for cells in (2, 4, 8, 16):
            field += enlarged(random.normal(size=(cells + 1, cells + 1, 3)) / np.sqrt(cells), side)
        field = (field - field.mean()) / field.std()
        made[index] = np.clip(127.5 + 56 * field, 0, 255).astype(np.uint8)
    return made


def enlarged(grid, side):
    """A grid of values to side x side, bilinear."""
    place = np.linspace(0, len(grid) - 1, side, endpoint=False)
    cell = place.astype(int)
    rest = (place - cell)[:, None, None]
    rows = grid[cell] * (1 - rest) + grid[cell + 1] * rest
    rest = rest.transpose(1, 0, 2)
    return rows[:, cell] * (1 - rest) + rows[:, cell + 1] * rest


def prepared(made):
    """float32 [count, 3, side, side], as a network takes pictures."""
    value = (made.astype(np.float32) / np.float32(255) - np.float32(MEAN)) / np.float32(STD)
    return np.ascontiguousarray(value.transpose(0, 3, 1, 2))


def calibration(network):
    return prepared(pictures(network, CALIBRATION, seed=1))


def test(network):
    return prepared(pictures(network, TEST, seed=2))
