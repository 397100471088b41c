"""From a folder of own pictures to a model for the device: own.py DIR --out NEW [--minutes N] [--network NAME --size N].

DIR holds a folder of pictures for each class. A fifth of each class is kept for testing, a tenth of the rest for choosing alpha;
the pictures stay where they are, lists in NEW say which is which. Network and input follow from the pictures' sizes, the
number of epochs from the minutes and from how fast this machine is. NEW gets the run, the model and the report page.
"""

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
import yaml
from PIL import Image

import backbones
import config as configuration
import pictures
from config import UserError

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
TEST_SHARE = 0.2
# One to train with, one to choose alpha with, one to test with.
FEWEST = 3
# Pictures whose shorter side is in the middle at most this are thumbnails, and get the network for such.
THUMBNAIL = 48
EPOCHS = range(10, 201)
# Of the minutes, what training may take: the rest is for conversion and measuring.
TRAINING_SHARE = 0.75


def main():
    parser = argparse.ArgumentParser(description="Train, convert and measure a classifier of the pictures in a folder.")
    parser.add_argument("folder", type=Path, help="holds a folder of pictures for each class")
    parser.add_argument("--out", type=Path, required=True, help="new folder for lists, run, model and report")
    parser.add_argument("--minutes", type=float, default=10, help="about how long all may take (default: 10)")
    parser.add_argument("--network", choices=backbones.BACKBONES, help="default: by the pictures' sizes; needs --size")
    parser.add_argument("--size", type=int, help="side of the network's input, pixels")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="processor threads")
    parser.add_argument("--convert", type=Path, default=ROOT / ".build/release/rarebit-convert", help="the converter")
    arguments = parser.parse_args()
    if not arguments.minutes > 0 or arguments.threads < 1 or (arguments.network is None) != (arguments.size is None):
        parser.error("--minutes must be above 0, --threads at least 1, and --network and --size need one another")
    if arguments.size is not None and arguments.size < 32:
        parser.error("--size must be at least 32")
    if not arguments.convert.is_file():
        raise UserError(f"{arguments.convert}: no such file: swift build --configuration release --product rarebit-convert")
    if arguments.out.exists():
        raise UserError(f"{arguments.out}: exists: name a new folder")
    torch.set_num_threads(arguments.threads)
    started = time.monotonic()
    names, images = read(arguments.folder)
    network, size = (arguments.network, arguments.size) if arguments.network else fitting(images)
    prefix = arguments.out / "own"
    arguments.out.mkdir(parents=True)
    write_lists(prefix, arguments.folder, names, images)
    print(f"network {network}, input 3x{size}x{size}", flush=True)
    config = configured(network, size, names, len(images))
    left = TRAINING_SHARE * 60 * arguments.minutes - (time.monotonic() - started)
    epochs = epochs_for(config, images, left)
    config["training_opt"] |= {"num_epochs": epochs, "evaluate_every": max(1, epochs // 5)}
    base = arguments.out / "training.yaml"
    base.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    print(f"{epochs} epochs on {len(images)} pictures, less those kept for testing and for alpha", flush=True)
    finish(arguments, base, f"list:{prefix}:{arguments.folder.resolve()}")


def read(folder):
    """The classes' names and the pictures that can be decoded; what is passed over is said."""
    names = pictures.class_folders(folder)
    if len(names) < 2:
        raise UserError(f"{folder}: has one class, {names[0]}: add a folder of pictures of something else")
    options = {"size": 1, "resize": None, "resize_mode": "crop", "ignore_exif": False}
    images, notes = pictures.read_part(folder, names, options)
    order = "number" if pictures.is_numbered(names) else "name"
    for line in (f"{folder}: classes are its {len(names)} folders by {order}: {pictures.listed(names)}", *notes):
        print(line, flush=True)
    counts = torch.bincount(images.labels, minlength=len(names)).tolist()
    few = [f"{name} ({count})" for name, count in zip(names, counts) if count < FEWEST]
    if few:
        raise UserError(
            f"{folder}: classes with fewer than {FEWEST} pictures, one to train with, one to choose alpha with, one to test"
            f" with: {pictures.listed(few)}: add pictures, or remove the folders"
        )
    return names, images


def fitting(images):
    """The network and the side of its input, by the middle one of the pictures' shorter sides."""
    sides = []
    for path in images.paths:
        with Image.open(path) as image:
            sides.append(min(image.size))
    return ("ResNet32Feature", 32) if statistics.median(sides) <= THUMBNAIL else ("ResNet10Feature", 96)


def write_lists(prefix, folder, names, images):
    """A fifth of each class, evenly spread over the order of its names, tests; the rest trains."""
    parts = {"train": [], "test": []}
    for label in range(len(names)):
        indices = torch.nonzero(images.labels == label).flatten().tolist()
        tests = max(1, round(TEST_SHARE * len(indices)))
        picked = {indices[place * len(indices) // tests] for place in range(tests)}
        for index in indices:
            parts["test" if index in picked else "train"].append((images.paths[index].relative_to(folder), label))
    for part, entries in parts.items():
        lines = "".join(f"{path} {label}\n" for path, label in entries)
        Path(f"{prefix}_{part}.txt").write_text(lines, encoding="utf-8")
    Path(f"{prefix}_names.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def configured(network, size, names, count):
    """De-confound, with what suits few pictures: small batches, a cosine schedule, a share held out for alpha."""
    config = configuration.load(HERE / "configs/images.yaml", HERE / "configs/lists.yaml")
    config["input"] |= {"size": size, "resize": None if size == 32 else round(size * 8 / 7)}
    config["networks"]["feat_model"]["def_file"] = network
    params = config["networks"]["classifier"]["params"]
    params |= {"feat_dim": backbones.BACKBONES[network].feat_dim, "num_classes": len(names), "alpha": 1.0}
    training = config["training_opt"]
    training |= {"batch_size": min(64, max(8, count // 16)), "precision": "float32", "mu": 0.9}
    training["optim_params"]["lr"] = 0.05
    training["scheduler_params"] |= {"warm_epoch": 3}
    return config


def epochs_for(config, images, seconds):
    """So many as this machine trains in that time, by the time of a batch."""
    size, batch = config["input"]["size"], config["training_opt"]["batch_size"]
    network = backbones.BACKBONES[config["networks"]["feat_model"]["def_file"]]()
    picked = images.pick(torch.arange(min(batch, len(images))))
    picked.input = config["input"]
    # The first batch prepares what the later ones use.
    for _ in range(2):
        started = time.monotonic()
        network(picked.pixels.float().view(-1, 3, size, size)).sum().backward()
        one = time.monotonic() - started
    epoch = one * max(1, len(images) / len(picked))
    return min(max(int(seconds / epoch), EPOCHS.start), EPOCHS.stop - 1)


def finish(arguments, config, spec):
    """Trains, chooses alpha, converts and measures."""
    run, model, report = arguments.out / "run", arguments.out / "model.rbit", arguments.out / "report.html"
    threads = ["--threads", arguments.threads]
    call(sys.executable, HERE / "train.py", config, "--data", spec, "--out", run, *threads)
    call(sys.executable, HERE / "evaluate.py", run, "--data", spec, "--choose-alpha", *threads)
    kind, prefix, root = spec.split(":", maxsplit=2)
    lists = {part: f"{kind}:{prefix}_{part}.txt:{root}" for part in ("train", "test")}
    given = ["--config", run / "config.yaml"]
    call(arguments.convert, "convert", run / "checkpoint.pth", *given, "--calibrate", lists["train"], "-o", model)
    against = ["--against", run / "checkpoint.pth", *given, "--data", lists["test"], "--report", report]
    call(arguments.convert, "evaluate", model, *against)
    print(f"{report}: how good it is, by class\non the board:  rarebit run {shlex.quote(model.name)}")


def call(*command):
    """What it says goes through; where it fails, it has said why."""
    sys.stdout.flush()
    code = subprocess.run([os.fspath(part) if isinstance(part, Path) else str(part) for part in command], check=False).returncode
    if code != 0:
        raise UserError(f"{Path(command[1] if str(command[0]) == sys.executable else command[0]).name} failed, as said above")


if __name__ == "__main__":
    configuration.run(main)
