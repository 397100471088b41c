"""The fields of a detector's configuration, read and checked as config.py does it."""

import config as configuration
from config import NUMBER, Optional, UserError
from detection.backbones import BACKBONES
from detection.box_head import CLASSIFIERS

# Those that a classifier's configuration has too mean the same. README.md says what the others mean.
FIELDS = {
    "input": {"width": int, "height": int, "channel_order": Optional(str, "rgb"), "mean": [NUMBER], "std": [NUMBER]},
    "class_names": str,
    "class_counts": str,
    "networks": {
        "feat_model": {"def_file": str, "frozen_stages": Optional(int, 0)},
        "detector": {
            "stages": Optional(int, 1),
            "masks": Optional(bool, False),
            "first_level": Optional(int, 2),
            "channels": Optional(int, 256),
            "rpn_channels": Optional(int, 256),
            "anchor_scale": Optional(NUMBER, 8),
            "hidden": Optional(int, 1024),
            "proposals_a_level": Optional(int, 1000),
            "proposals_in_training": Optional(int, 1000),
            "proposals": Optional(int, 300),
            "regions_in_training": Optional(int, 512),
            "threshold": Optional(NUMBER, 0.01),
            "detections": Optional(int, 100),
        },
        "classifier": {
            "def_file": str,
            "params": {
                "num_head": Optional(int, 1),
                "tau": Optional(NUMBER),
                "gamma": Optional(NUMBER),
                "alpha": Optional(NUMBER, 0.0),
            },
        },
    },
    "training_opt": {
        "num_epochs": int,
        "batch_size": int,
        "seed": int,
        "evaluate_every": Optional(int, 0),
        "optim_params": {"lr": NUMBER, "momentum": NUMBER, "weight_decay": NUMBER},
        "largest_gradient": Optional(NUMBER, 35),
        "scheduler_params": {
            "warm_steps": Optional(int, 500),
            "lr_step": Optional([int], []),
            "lr_factor": Optional(NUMBER, 0.1),
        },
    },
}


def load(*paths):
    """The configuration of one file, or of several of which later ones change earlier ones."""
    config, path = configuration.merged(FIELDS, *paths)

    def require(fits, message):
        if not fits:
            raise UserError(f"{path}: {message}")

    _check_networks(config["networks"], require)
    _check_numbers(config, require)
    return config


def _check_networks(networks, require):
    feat, head, options = networks["feat_model"], networks["classifier"], networks["detector"]
    for section, known in ((feat, BACKBONES), (head, CLASSIFIERS)):
        require(section["def_file"] in known, f"def_file {section['def_file']!r} is unknown: use {' or '.join(known)}")
    require(0 <= feat["frozen_stages"] <= 4, "frozen_stages must be from 0 to 4")
    require(options["stages"] in (1, 3), "stages must be 1 (Faster R-CNN) or 3 (Cascade R-CNN)")
    require(options["first_level"] in (2, 3), "first_level must be 2 or 3")
    kind, params = CLASSIFIERS[head["def_file"]], head["params"]
    for name in ("tau", "gamma"):
        require(name not in kind.PARAMETERS or params[name] is not None, f"params.{name} is missing: {head['def_file']} needs it")
        require(name in kind.PARAMETERS or params[name] is None, f"params.{name} is unknown to {head['def_file']}: remove it")
    require(params["tau"] is None or params["tau"] > 0, "tau must be above 0")
    require(params["gamma"] is None or params["gamma"] >= 0, "gamma must be at least 0")
    require(0 <= params["alpha"] <= 1000, "alpha must be from 0 to 1000")
    require(params["num_head"] > 0 and options["hidden"] % params["num_head"] == 0, "num_head must divide hidden")
    for name, value in options.items():
        require(value > 0 or name in ("threshold", "masks"), f"detector.{name} must be above 0")
    require(0 <= options["threshold"] < 1, "detector.threshold must be at least 0 and below 1")


def _check_numbers(config, require):
    image, training = config["input"], config["training_opt"]
    configuration.check_normalisation(image, require)
    require(image["channel_order"] in ("rgb", "bgr"), "input.channel_order must be rgb or bgr")
    # The deepest maps are of every 32nd pixel, and the last level is of every second one of those.
    require(min(image["width"], image["height"]) >= 64, "input.width and input.height must be at least 64")
    for name in ("num_epochs", "batch_size"):
        require(training[name] > 0, f"{name} must be above 0")
    for name in ("evaluate_every", "largest_gradient"):
        require(training[name] >= 0, f"{name} must be at least 0")
    require(training["scheduler_params"]["warm_steps"] >= 0, "warm_steps must be at least 0")
