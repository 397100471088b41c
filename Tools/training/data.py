"""The parts of a data set that a run uses, its training part thinned to a long tail."""

from dataclasses import dataclass

import torch

import datasets
from config import UserError
from pictures import listed

# For --help.
SPEC = "cifar10:DIR, cifar100:DIR, fashion-mnist, fashion-mnist:DIR, images:DIR or list:PREFIX:ROOT"


@dataclass
class Parts:
    """Each of the three is `datasets.Images` or `pictures.ImageFiles`. `notes`: lines that whoever runs this must see."""

    train: object
    held_out: object
    test: object
    names: list[str]
    counts: list[int]
    notes: list[str]


def load(spec, config):
    """`spec`, where it is given, must be of the configuration's kind of data."""
    stated = config["training_opt"]["dataset"]
    kind, _, folder = (spec or stated).partition(":")
    if kind not in datasets.READERS:
        raise UserError(f"data {spec or stated!r} is unknown: use {SPEC}")
    if kind != stated.partition(":")[0]:
        raise UserError(f"data {spec!r} is not the configuration's, {stated}: give one of them another name")
    whole, test, names, notes = datasets.READERS[kind](folder, config)
    classes = config["networks"]["classifier"]["params"]["num_classes"]
    if classes != len(names):
        raise UserError(f"num_classes is {classes} but {kind} has {len(names)}: correct the configuration")
    for label, name in enumerate(names):
        if not (test.labels == label).any():
            raise UserError(f"{spec or stated}: class {name} has no test images: add some, or remove the class")
    train, held_out, counts = thin(whole.labels, names, config["training_opt"])
    bare = sorted(set(range(len(names))) - set(whole.labels[held_out].tolist()))
    if config["training_opt"]["held_out"] and bare:
        notes.append(f"too few pictures to hold one out, so all are trained with: {listed([names[i] for i in bare])}")
    return Parts(whole.pick(train), whole.pick(held_out), test, names, counts, notes)


def converter_specs(spec):
    """What rarebit-convert calls the training and the test part of the same data."""
    kind, _, place = spec.partition(":")
    if kind == "images":
        return {part: f"{spec}/{part}" for part in ("train", "test")}
    if kind == "list":
        prefix, _, root = place.partition(":")
        return {part: f"list:{prefix}_{part}.txt:{root}" for part in ("train", "test")}
    return {part: spec for part in ("train", "test")}


def thin(labels, names, options):
    """The indices of the images to train with, class by class, those held out, and how many of each class are trained with.

    A class's first images are trained with and its last ones held out, so no two of these parts overlap and any tool can
    repeat the choice; with `pick_seed` the images are shuffled before. `held_out` below 1 is a share of each class, and then
    at least one image of every class that has two.
    """
    generator = torch.Generator().manual_seed(options["pick_seed"]) if options["pick_seed"] is not None else None
    wanted = None
    if options["cifar_imb_ratio"] is not None:
        wanted = long_tail_counts(len(names), options["max_images"], options["cifar_imb_ratio"])
    train, held_out, counts = [], [], []
    for label, name in enumerate(names):
        indices = torch.nonzero(labels == label).flatten()
        if generator is not None:
            indices = indices[torch.randperm(len(indices), generator=generator)]
        kept_aside = held_out_of(len(indices), options["held_out"])
        left = len(indices) - kept_aside
        count = left if wanted is None else wanted[label]
        if count < 1 or count > left:
            raise UserError(
                f"class {name} has {len(indices)} training images and {max(count, 1) + kept_aside} are asked for"
                f" ({max(count, 1)} to train, {kept_aside} held out): add images, or change max_images,"
                " cifar_imb_ratio or held_out"
            )
        train.append(indices[:count])
        held_out.append(indices[left:])
        counts.append(count)
    return torch.cat(train), torch.cat(held_out), counts


def held_out_of(count, held_out):
    """How many of a class's `count` images are held out, by the configuration's number or share."""
    if held_out >= 1 or held_out == 0:
        return held_out
    return max(1, round(held_out * count)) if count > 1 else 0


def long_tail_counts(classes, most, ratio):
    """Images per class, falling exponentially from `most` to `ratio * most`."""
    # The small addition keeps a count that is exact on paper, like 1000 * 0.01, from falling short by rounding.
    return [int(most * ratio ** (i / (classes - 1)) + 1e-9) for i in range(classes)]


def normalise(pixels, config, device="cpu"):
    """`pixels`: uint8 [N, 3, H, W], RGB. mean and std are R, G, B too, whatever order the network wants."""
    mean = torch.tensor(config["input"]["mean"], device=device).view(1, 3, 1, 1)
    std = torch.tensor(config["input"]["std"], device=device).view(1, 3, 1, 1)
    images = (pixels.to(device).float() / 255 - mean) / std
    if config["input"]["channel_order"] == "bgr":
        images = images.flip(1)
    return images.contiguous(memory_format=torch.channels_last)
