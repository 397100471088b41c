"""From a folder of own pictures to a model for the device: own.py DIR [--out NEW] [--minutes N] [--init FILE].

DIR holds a folder of pictures for each class. A fifth of each class is kept for testing, a tenth of the rest for choosing alpha;
the pictures stay where they are, lists in NEW say which is which. Network, input and epochs follow from the pictures' sizes
and number, from the minutes and from how fast this machine is. NEW gets the run, the model and the report page.
"""

import argparse
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import torch
import yaml

import backbones
import config as configuration
import fitting
import pictures
import pretrained
from config import UserError
from progress import clock

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
TEST_SHARE = 0.2
# One to train with, one to choose alpha with, one to test with.
FEWEST = 3
# Of the minutes, what training may take: the rest is for conversion and measuring, which read all pictures so many times more.
TRAINING_SHARE, READINGS = 0.7, 3


def main():
    parser = argparse.ArgumentParser(description="Train, convert and measure a classifier of the pictures in a folder.")
    parser.add_argument("folder", type=Path, help="holds a folder of pictures for each class")
    parser.add_argument("--out", type=Path, help="new folder for lists, run, model, report (default: DIR-model, here)")
    parser.add_argument("--minutes", type=float, default=10, help="about how long all may take (default: 10)")
    parser.add_argument("--init", type=Path, help="weights to start from, of torchvision or timm: .pth or .safetensors")
    parser.add_argument("--network", choices=backbones.BACKBONES, help="default: that of --init, or by the pictures")
    parser.add_argument("--size", type=int, help="side of the network's input, pixels; default: by the pictures")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="processor threads")
    parser.add_argument("--convert", type=Path, default=ROOT / ".build/release/rarebit-convert", help="the converter")
    arguments = parser.parse_args()
    if not arguments.minutes > 0 or arguments.threads < 1:
        parser.error("--minutes must be above 0, --threads at least 1")
    if arguments.size is not None and not 32 <= arguments.size <= 1024:
        parser.error("--size must be from 32 to 1024")
    if not arguments.convert.is_file():
        raise UserError(f"{arguments.convert}: no such file: swift build --configuration release --product rarebit-convert")
    out = arguments.out or Path(f"{arguments.folder.resolve().name}-model")
    if out.exists():
        raise UserError(f"{out}: exists: name a new folder with --out")
    torch.set_num_threads(arguments.threads)
    Own(arguments, out).make()


class Own:
    """What is made of one folder of pictures."""

    def __init__(self, arguments, out):
        self.arguments, self.out = arguments, out
        self.started = time.monotonic()
        self.seconds = 60 * arguments.minutes

    def make(self):
        """Everything that can be refused is, before anything is written."""
        folder, init, network = self.arguments.folder, self.arguments.init, self.arguments.network
        if init is not None:
            network = pretrained.checked(init, network)
        names, images = read(folder)
        reading = time.monotonic() - self.started
        choices = fitting.candidates(fitting.shorter_sides(images), network, self.arguments.size, init is not None)
        left = TRAINING_SHARE * self.seconds - (time.monotonic() - self.started) - READINGS * reading
        trained = len(images) - len(tests_of(names, images))
        config, epoch = fitting.choose(choices, names, trained, max(left, 0), init is not None)
        self._say(config, epoch, trained)
        self.out.mkdir(parents=True)
        prefix = self.out / "own"
        write_lists(prefix, folder, names, images)
        base = self.out / "training.yaml"
        base.write_text(yaml.safe_dump(configuration.stripped(config), sort_keys=False), encoding="utf-8")
        self._train(base, f"list:{prefix}:{folder.resolve()}")

    def _say(self, config, epoch, trained):
        training, size = config["training_opt"], config["input"]["size"]
        print(f"network {config['networks']['feat_model']['def_file']}, input 3x{size}x{size}, batches of {training['batch_size']}")
        epochs = training["num_epochs"]
        print(f"{epochs} epochs of about {clock(epoch)} on {trained} pictures, a tenth of which is held out for alpha", flush=True)
        if epochs * epoch > self.seconds:
            minutes = f"{self.arguments.minutes:g}"
            print(f"--minutes {minutes} is too short for {epochs} epochs, the fewest: it will take longer", flush=True)

    def _train(self, config, spec):
        """Trains, chooses alpha, converts and measures."""
        run, model, report = self.out / "run", self.out / "model.rbit", self.out / "report.html"
        threads = ["--threads", self.arguments.threads]
        init = [] if self.arguments.init is None else ["--init", self.arguments.init]
        call(sys.executable, HERE / "train.py", config, "--data", spec, "--out", run, *init, *threads)
        call(sys.executable, HERE / "evaluate.py", run, "--data", spec, "--choose-alpha", *threads)
        kind, prefix, root = spec.split(":", maxsplit=2)
        lists = {part: f"{kind}:{prefix}_{part}.txt:{root}" for part in ("train", "test")}
        given = ["--config", run / "config.yaml"]
        convert = self.arguments.convert
        call(convert, "convert", run / "checkpoint.pth", *given, "--calibrate", lists["train"], "-o", model)
        against = ["--against", run / "checkpoint.pth", *given, "--data", lists["test"], "--report", report]
        call(convert, "evaluate", model, *against)
        print(f"done in {clock(time.monotonic() - self.started)}\n{report}: how good it is, by class")
        print(f"on the board:  rarebit run {shlex.quote(model.name)}")


def read(folder):
    """The classes' names and the pictures that can be decoded; what is passed over is said."""
    names = pictures.class_folders(folder)
    if len(names) < 2:
        raise UserError(f"{folder}: has one class, {names[0]}: add a folder of pictures of something else")
    options = {"size": 1, "resize": None, "resize_mode": "squash", "ignore_exif": False}
    images, notes = pictures.read_part(folder, names, options)
    counts = torch.bincount(images.labels, minlength=len(names)).tolist()
    few = [f"{name} ({count})" for name, count in zip(names, counts) if count < FEWEST]
    if few:
        raise UserError(
            f"{folder}: classes with fewer than {FEWEST} pictures, one to train with, one to choose alpha with, one to test"
            f" with: {pictures.listed(few)}: add pictures, or remove the folders"
        )
    unlisted = [repr(str(path.relative_to(folder))) for path in images.paths if not is_listable(str(path.relative_to(folder)))]
    if unlisted:
        raise UserError(
            f"{folder}: names that a list cannot hold, with control characters, a space in front or bytes that are no UTF-8: rename"
            f" {pictures.listed(unlisted)}"
        )
    order = "number" if pictures.is_numbered(names) else "name"
    for line in (f"{folder}: classes are its {len(names)} folders by {order}: {pictures.listed(names)}", *notes):
        print(line, flush=True)
    return names, images


def is_listable(name):
    """Whether a line of a list can hold the name."""
    return name.isprintable() and not name[0].isspace()


def tests_of(names, images):
    """The indices of a fifth of each class, evenly spread over the order of its names."""
    picked = set()
    for label in range(len(names)):
        indices = torch.nonzero(images.labels == label).flatten().tolist()
        tests = max(1, round(TEST_SHARE * len(indices)))
        picked |= {indices[place * len(indices) // tests] for place in range(tests)}
    return picked


def write_lists(prefix, folder, names, images):
    """Which pictures test, and which train."""
    picked = tests_of(names, images)
    parts = {"train": [], "test": []}
    for index, (path, label) in enumerate(zip(images.paths, images.labels.tolist())):
        parts["test" if index in picked else "train"].append(f"{path.relative_to(folder)} {label}\n")
    for part, lines in parts.items():
        Path(f"{prefix}_{part}.txt").write_text("".join(lines), encoding="utf-8")
    Path(f"{prefix}_names.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def call(*command):
    """What it says goes through; where it fails, it has said why."""
    sys.stdout.flush()
    code = subprocess.run([os.fspath(part) if isinstance(part, Path) else str(part) for part in command], check=False).returncode
    if code != 0:
        raise UserError(f"{Path(command[1] if str(command[0]) == sys.executable else command[0]).name} failed, as said above")


if __name__ == "__main__":
    configuration.run(main)
