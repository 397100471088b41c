"""What suits the pictures of a folder: network, input, settings and epochs, by the pictures' sizes and number and by the time."""

import statistics
import time
from pathlib import Path

import torch
from PIL import Image

import augmentation
import backbones
import config as configuration
import data
import models

HERE = Path(__file__).resolve().parent
# Pictures whose shorter side is in the middle at most this are thumbnails, and get the network and the input for such.
THUMBNAIL, SMALL = 48, 32
# Sides of the input that are tried, none larger than the pictures; pretrained networks have seen nothing smaller than the last.
SIDES = (224, 192, 160, 128, 96, 64)
SMALLEST_PRETRAINED = 96
# From so many pictures on a larger network is worth its time, where there is enough of it.
MANY_PICTURES = 5000
# With fewer epochs a larger input is not worth its time; more than the most bring nothing.
ENOUGH_EPOCHS, FEWEST_EPOCHS, MOST_EPOCHS = 30, 5, 200
# A pretrained network has learnt most of it already.
ENOUGH_PRETRAINED, MOST_PRETRAINED = 10, 40


def candidates(sides, network, size, is_pretrained):
    """(network, side of the input), the best first and the quickest last.

    `sides`: of each picture the shorter side. `network`, `size`: what the user wants, or None.
    """
    middle = statistics.median(sides)
    if network is None:
        if middle <= THUMBNAIL and (size or SMALL) <= THUMBNAIL:
            return [("ResNet32Feature", size or SMALL)]
        networks = ["ResNet18Feature", "ResNet10Feature"] if len(sides) >= MANY_PICTURES else ["ResNet10Feature"]
    else:
        networks = [network]
    if size is not None:
        return [(network, size) for network in networks]
    if network is not None and issubclass(backbones.BACKBONES[network], backbones.CIFARBackbone):
        return [(network, SMALL)]
    least = SMALLEST_PRETRAINED if is_pretrained else SIDES[-1]
    fitting = [side for side in SIDES if least <= side <= max(middle, least)]
    return [(network, side) for network in networks for side in fitting]


def shorter_sides(images):
    sides = []
    for path in images.paths:
        with Image.open(path) as image:
            sides.append(min(image.size))
    return sides


def configured(network, size, names, count, is_pretrained):
    """De-confound, with what suits few pictures: small batches, a cosine schedule, a share held out for alpha."""
    config = configuration.load(HERE / "configs/images.yaml", HERE / "configs/lists.yaml")
    config["input"] |= {"size": size, "resize": None if size == SMALL else round(size * 8 / 7)}
    config["networks"]["feat_model"]["def_file"] = network
    params = config["networks"]["classifier"]["params"]
    params |= {"feat_dim": backbones.BACKBONES[network].feat_dim, "num_classes": len(names), "alpha": 1.0}
    training = config["training_opt"]
    training |= {"batch_size": min(64, max(8, count // 16)), "precision": "float32", "mu": 0.9}
    training["optim_params"] |= {"lr": 0.02 if is_pretrained else 0.05, "nesterov": True}
    return config


def choose(choices, names, count, seconds, is_pretrained):
    """The configuration of the first choice that is trained for enough epochs in `seconds`, of the last where none is, and how many
    seconds an epoch of it takes."""
    enough, most = (ENOUGH_PRETRAINED, MOST_PRETRAINED) if is_pretrained else (ENOUGH_EPOCHS, MOST_EPOCHS)
    for network, size in choices:
        config = configured(network, size, names, count, is_pretrained)
        epoch = count * seconds_a_picture(config)
        if seconds / epoch >= enough:
            break
    epochs = min(max(int(seconds / epoch), FEWEST_EPOCHS), most)
    config["training_opt"] |= {"num_epochs": epochs, "evaluate_every": max(1, epochs // 5)}
    config["training_opt"]["scheduler_params"]["warm_epoch"] = min(3, epochs // 5)
    return config, epoch


def seconds_a_picture(config):
    """Of training on this machine, with everything but reading the file."""
    size, batch = config["input"]["size"], min(32, config["training_opt"]["batch_size"])
    feat_model, classifier = models.build(config)
    feat_model.to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(256, (batch, 3, size, size), dtype=torch.uint8, generator=generator)
    # The first batch prepares what the later ones use.
    for _ in range(2):
        started = time.monotonic()
        changed = augmentation.augment(pixels, config["training_opt"], augmentation.Draws(generator, batch))
        classifier(feat_model(data.normalise(changed, config))).sum().backward()
        taken = time.monotonic() - started
    return taken / batch
