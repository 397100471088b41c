"""Reads a YAML configuration and checks every field, so that the programs need not."""

import sys
from pathlib import Path

import yaml

import models


class UserError(Exception):
    """Something the user can put right. Its text is one line: what, where, what to do about it."""


def run(main):
    """Runs a program's main function; what the user can put right becomes one line on standard error and exit code 1."""
    program = Path(sys.argv[0]).name
    try:
        main()
    except UserError as error:
        sys.exit(f"{program}: {error}")
    except OSError as error:
        # Every file that is read is checked where it is read: what is left is a file that cannot be written.
        sys.exit(f"{program}: {error.filename}: cannot be written ({error.strerror}): check the folder and the free space")
    except KeyboardInterrupt:
        sys.exit(130)


NUMBER = (int, float)

# Field names are the reference's where it has the field. A tuple or type is the field's type; a list of one type is a list.
FIELDS = {
    "networks": {
        "feat_model": {"def_file": str},
        "classifier": {
            "def_file": str,
            "params": {
                "feat_dim": int,
                "num_classes": int,
                "num_head": int,
                "tau": NUMBER,
                "gamma": NUMBER,
                "alpha": NUMBER,
            },
        },
    },
    "training_opt": {
        "dataset": str,
        "cifar_imb_ratio": NUMBER,
        "max_images": int,
        "held_out": int,
        "num_epochs": int,
        "batch_size": int,
        "seed": int,
        "mu": NUMBER,
        "optim_params": {"lr": NUMBER, "momentum": NUMBER, "weight_decay": NUMBER},
        "scheduler_params": {"warm_epoch": int, "lr_step": [int], "lr_factor": NUMBER},
    },
    "input": {"size": int, "mean": [NUMBER], "std": [NUMBER]},
    "class_names": str,
    "class_counts": str,
}


def load(path):
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({_reason(error)}): name a YAML configuration") from None
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = f" at line {error.problem_mark.line + 1}" if getattr(error, "problem_mark", None) else ""
        raise UserError(f"{path}: is not YAML{where}: correct it or name another file") from None
    _check(config, FIELDS, path, "")
    _check_values(config, path)
    return config


def _reason(error):
    return getattr(error, "strerror", None) or "not UTF-8 text"


def _check(value, expected, path, name):
    if isinstance(expected, dict):
        if not isinstance(value, dict):
            raise UserError(f"{path}: {name or 'the file'} must hold the fields {', '.join(expected)}")
        prefix = f"{name}." if name else ""
        for field in expected:
            if field not in value:
                raise UserError(f"{path}: {prefix}{field} is missing: add it")
        for field in value:
            if field not in expected:
                raise UserError(f"{path}: {prefix}{field} is unknown: remove it or correct its spelling")
            _check(value[field], expected[field], path, f"{prefix}{field}")
    elif isinstance(expected, list):
        if not isinstance(value, list):
            raise UserError(f"{path}: {name} must be a list, like [1, 2]")
        for item in value:
            _check(item, expected[0], path, name)
    elif not isinstance(value, expected) or isinstance(value, bool):
        kind = {int: "a whole number", str: "text"}.get(expected, "a number")
        raise UserError(f"{path}: {name} is {value!r} but must be {kind}")


def _check_values(config, path):
    feat, head = config["networks"]["feat_model"], config["networks"]["classifier"]
    params, training, image = head["params"], config["training_opt"], config["input"]

    def require(fits, message):
        if not fits:
            raise UserError(f"{path}: {message}")

    for name, known in ((feat["def_file"], models.FEATURE_MODELS), (head["def_file"], models.CLASSIFIERS)):
        require(name in known, f"def_file {name!r} is unknown: use {' or '.join(known)}")
    feat_dim = models.FEATURE_MODELS[feat["def_file"]].feat_dim
    require(params["feat_dim"] == feat_dim, f"feat_dim must be {feat_dim} for {feat['def_file']}")
    require(params["num_head"] > 0 and feat_dim % params["num_head"] == 0, f"num_head must divide feat_dim {feat_dim}")
    require(params["num_classes"] > 1, "num_classes must be at least 2")
    require(0 < training["cifar_imb_ratio"] <= 1, "cifar_imb_ratio is smallest / largest class: above 0, at most 1")
    for name in ("max_images", "held_out", "num_epochs", "batch_size"):
        require(training[name] > 0, f"{name} must be above 0")
    require(len(image["mean"]) == len(image["std"]) == 3, "input.mean and input.std need three numbers each")
    require(all(s > 0 for s in image["std"]), "input.std must be above 0")
