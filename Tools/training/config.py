"""Reads YAML configurations and checks every field, so that the programs need not."""

import re
import sys
from pathlib import Path

import yaml

import classifiers
import losses
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
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        sys.exit(1)
    except OSError as error:
        # Every file that is read is checked where it is read: what is left is a file that cannot be written.
        sys.exit(f"{program}: {error.filename or 'a file'}: cannot be written ({error.strerror}): check the folder and the free space")
    except KeyboardInterrupt:
        sys.exit(130)


NUMBER = (int, float)


class Optional:
    """A field that may be missing, and what it is then."""

    def __init__(self, expected, default=None):
        self.expected, self.default = expected, default


# Field names are the reference's where it has the field. A tuple or type is the field's type; a list of one type is a list.
# README.md says what the fields mean.
FIELDS = {
    "input": {
        "size": int,
        "resize": Optional(int),
        "resize_mode": Optional(str, "crop"),
        "channel_order": Optional(str, "rgb"),
        "ignore_exif": Optional(bool, False),
        "mean": [NUMBER],
        "std": [NUMBER],
    },
    "class_names": str,
    "class_counts": str,
    "class_means": Optional(str),
    "networks": {
        "feat_model": {"def_file": str, "fix": Optional(bool, False)},
        "classifier": {
            "def_file": str,
            "params": {
                "feat_dim": int,
                "num_classes": int,
                "num_head": Optional(int, 1),
                "tau": Optional(NUMBER),
                "gamma": Optional(NUMBER),
                "power": Optional(NUMBER),
                "alpha": Optional(NUMBER, 0.0),
                "adjust": Optional(str),
                "adjust_strength": Optional(NUMBER, 1.0),
                "stage1_weights": Optional(bool, False),
            },
        },
    },
    "criterions": Optional({"PerformanceLoss": {"def_file": str, "loss_params": Optional(dict, {})}}),
    "training_opt": {
        "dataset": str,
        "cifar_imb_ratio": Optional(NUMBER),
        "max_images": Optional(int),
        "pick_seed": Optional(int),
        "held_out": Optional(NUMBER, 0),
        "sampler": Optional(str),
        "randaugment": Optional({"operations": int, "magnitude": NUMBER}),
        "cutout": Optional(int, 0),
        "mixup": Optional(NUMBER, 0.0),
        "num_epochs": int,
        "batch_size": int,
        "seed": int,
        "precision": Optional(str, "float32"),
        "evaluate_every": Optional(int, 5),
        "mu": Optional(NUMBER),
        "optim_params": {"lr": NUMBER, "momentum": NUMBER, "weight_decay": NUMBER, "nesterov": Optional(bool, False)},
        "scheduler_params": {
            "coslr": Optional(bool, False),
            "warm_epoch": Optional(int, 0),
            "lr_step": Optional([int], []),
            "lr_factor": Optional(NUMBER, 1.0),
        },
    },
}


def load(*paths):
    """A classifier's configuration, of one file or of several."""
    return _completed(*merged(FIELDS, *paths))


def merged(fields, *paths):
    """The configuration of all `paths`, with defaults where a field may be missing, and what messages call it.

    Later files add fields and replace them, and remove those they give as null.
    """
    config, name = {}, " + ".join(str(path) for path in paths)
    for path in paths:
        config = _merge(config, _read(path, fields), path)
    return _checked(config, fields, name, ""), name


def write(path, config, fields=FIELDS):
    path.write_text(yaml.safe_dump(stripped(config, fields), sort_keys=False), encoding="utf-8")


def stripped(value, expected=FIELDS):
    """Without the fields that are what they would be if they were missing: the same for a configuration that is older than a field."""
    if not isinstance(expected, dict):
        return value
    result = {}
    for name, inner in expected.items():
        if isinstance(inner, Optional):
            if value.get(name, inner.default) == inner.default:
                continue
            inner = inner.expected
        result[name] = stripped(value[name], inner)
    return result


def _read(path, fields):
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({_reason(error)}): name a YAML configuration") from None
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = f" at line {error.problem_mark.line + 1}" if getattr(error, "problem_mark", None) else ""
        raise UserError(f"{path}: is not YAML{where}: correct it or name another file") from None
    if not isinstance(config, dict):
        raise UserError(f"{path}: the file must hold the fields {', '.join(fields)}, or some of them")
    return config


def _reason(error):
    return getattr(error, "strerror", None) or "not UTF-8 text"


def _merge(base, above, path):
    result = dict(base)
    for name, value in above.items():
        if isinstance(value, dict):
            inner = base.get(name)
            result[name] = _merge(inner if isinstance(inner, dict) else {}, value, path)
        elif value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def _completed(config, path):
    """What no single field says."""
    if config["criterions"] is None:
        config["criterions"] = {"PerformanceLoss": {"def_file": "SoftmaxLoss", "loss_params": {}}}
    _check_networks(config, path)
    _check_training(config, path)
    return config


def _checked(value, expected, path, name):
    if expected is dict or isinstance(expected, dict):
        if not isinstance(value, dict):
            raise UserError(f"{path}: {name or 'the file'} must hold fields{_listed(expected)}")
        return dict(value) if expected is dict else _checked_fields(value, expected, path, f"{name}." if name else "")
    if isinstance(expected, list):
        if not isinstance(value, list):
            raise UserError(f"{path}: {name} must be a list, like [1, 2]")
        return [_checked(item, expected[0], path, name) for item in value]
    if not isinstance(value, expected) or isinstance(value, bool) != (expected is bool):
        kind = {int: "a whole number", str: "text", bool: "true or false"}.get(expected, "a number")
        raise UserError(f"{path}: {name} is {value!r} but must be {kind}")
    if isinstance(value, float) and not abs(value) < float("inf"):
        raise UserError(f"{path}: {name} is {value!r} but must be a number")
    return value


def _listed(expected):
    return "" if expected is dict else f": {', '.join(expected)}"


def _checked_fields(fields, expected, path, prefix):
    for field in fields:
        if field not in expected:
            raise UserError(f"{path}: {prefix}{field} is unknown: remove it or correct its spelling")
    result = {}
    for field, inner in expected.items():
        optional = isinstance(inner, Optional)
        if field in fields:
            result[field] = _checked(fields[field], inner.expected if optional else inner, path, f"{prefix}{field}")
        elif optional:
            result[field] = inner.default
        else:
            raise UserError(f"{path}: {prefix}{field} is missing: add it")
    return result


def _requirer(path):
    def require(fits, message):
        if not fits:
            raise UserError(f"{path}: {message}")

    return require


def _check_networks(config, path):
    require = _requirer(path)
    feat, head = config["networks"]["feat_model"], config["networks"]["classifier"]
    loss, params, image = config["criterions"]["PerformanceLoss"], head["params"], config["input"]
    for section, known in ((feat, models.BACKBONES), (head, classifiers.CLASSIFIERS), (loss, losses.LOSSES)):
        # The reference's files name one: ./models/ResNet32Feature.py.
        section["def_file"] = re.sub(r"^.*/|\.py$", "", section["def_file"])
        require(section["def_file"] in known, f"def_file {section['def_file']!r} is unknown: use {' or '.join(known)}")
    require(params["num_head"] > 0, "num_head must be above 0")
    feat_dim = models.feat_dim(feat["def_file"], params["num_head"])
    heads = params["num_head"]
    require(params["feat_dim"] == feat_dim, f"feat_dim must be {feat_dim} for {feat['def_file']} and num_head {heads}")
    require(feat_dim % params["num_head"] == 0, f"num_head must divide feat_dim {feat_dim}")
    require(params["num_classes"] > 1, "num_classes must be at least 2")
    kind = classifiers.CLASSIFIERS[head["def_file"]]
    for name in ("tau", "gamma", "power"):
        require(name not in kind.PARAMETERS or params[name] is not None, f"params.{name} is missing: {head['def_file']} needs it")
        require(name in kind.PARAMETERS or params[name] is None, f"params.{name} is unknown to {head['def_file']}: remove it")
    require(params["tau"] is None or params["tau"] > 0, "tau must be above 0")
    require(params["gamma"] is None or params["gamma"] >= 0, "gamma must be at least 0")
    require(0 <= params["alpha"] <= 1000, "alpha must be from 0 to 1000")
    require(params["adjust"] in (None, "logit-adjustment"), "adjust must be logit-adjustment, or missing")
    _checked(loss["loss_params"], losses.LOSSES[loss["def_file"]].PARAMETERS, path, "criterions.PerformanceLoss.loss_params")
    _check_experts(loss, kind, params["num_head"], require)
    is_ncm = head["def_file"] == "NCMClassifier"
    require(is_ncm == (config["class_means"] is not None), "class_means is for NCMClassifier, which needs it")
    _check_input(image, require)


def _check_experts(loss, classifier, heads, require):
    name = loss["def_file"]
    if not losses.LOSSES[name].IS_OF_EXPERTS:
        return
    require(hasattr(classifier, "by_head"), f"{name} needs a classifier whose heads answer by themselves: CosineClassifier")
    require(heads > 1, f"{name} needs experts: num_head above 1")
    require(name != "SADELoss" or heads == 3, "num_head must be 3 for SADELoss: forward, uniform and backward")
    strengths = loss["loss_params"].get("strengths")
    require(strengths is None or len(strengths) == heads, f"strengths of {name} must be {heads} numbers, one an expert")


def _check_input(image, require):
    require(image["size"] > 0, "input.size must be above 0")
    require(image["resize"] is None or image["resize"] >= image["size"], "input.resize must be at least input.size")
    check_normalisation(image, require)
    require(image["resize_mode"] in ("crop", "squash", "pad"), "input.resize_mode must be crop, squash or pad")
    require(image["resize_mode"] != "pad" or image["resize"] is None, "input.resize is not for resize_mode pad: remove it")
    require(image["channel_order"] in ("rgb", "bgr"), "input.channel_order must be rgb or bgr")


def check_normalisation(image, require):
    require(len(image["mean"]) == len(image["std"]) == 3, "input.mean and input.std need three numbers each")
    require(all(s > 0 for s in image["std"]), "input.std must be above 0")
    is_of_bytes = max(*image["mean"], *image["std"]) > 2
    scaled = ", ".join(f"{name}: {[round(number / 255, 4) for number in image[name]]}" for name in ("mean", "std"))
    require(not is_of_bytes, f"input.mean and input.std are on the scale of 0 to 255: pictures are divided by 255 first, so give {scaled}")


def _check_training(config, path):
    require = _requirer(path)
    training = config["training_opt"]
    is_fixed = config["networks"]["feat_model"]["fix"]
    kind = classifiers.CLASSIFIERS[config["networks"]["classifier"]["def_file"]]
    stage1_weights = config["networks"]["classifier"]["params"]["stage1_weights"]
    ratio = training["cifar_imb_ratio"]
    require(ratio is None or 0 < ratio <= 1, "cifar_imb_ratio is smallest / largest class: above 0, at most 1")
    require((ratio is None) == (training["max_images"] is None), "cifar_imb_ratio and max_images need one another")
    for name in ("max_images", "batch_size"):
        require(training[name] is None or training[name] > 0, f"{name} must be above 0")
    for name in ("num_epochs", "held_out", "evaluate_every"):
        require(training[name] >= 0, f"{name} must be at least 0")
    held_out = training["held_out"]
    require(held_out < 1 or held_out == int(held_out), "held_out must be a whole number of images, or a share below 1")
    training["held_out"] = int(held_out) if held_out >= 1 or held_out == 0 else held_out
    require(training["num_epochs"] > 0 or is_fixed, "num_epochs must be above 0, but for a fixed backbone")
    require(training["precision"] in ("float32", "bfloat16"), "precision must be float32 or bfloat16")
    require(training["sampler"] in (None, "ClassBalancedSampler"), "sampler must be ClassBalancedSampler, or missing")
    _check_augmentation(training, require)
    require(is_fixed or not stage1_weights, "stage1_weights is for a fixed backbone: set feat_model.fix")
    require(kind.IS_LINEAR or not stage1_weights, f"stage1_weights are a linear layer's, which {kind.__name__} has not")
    require(training["mu"] is None or 0 <= training["mu"] < 1, "mu must be at least 0 and below 1")


def _check_augmentation(training, require):
    changes, optimiser = training["randaugment"], training["optim_params"]
    if changes is not None:
        require(changes["operations"] > 0, "randaugment.operations must be above 0")
        require(0 <= changes["magnitude"] <= 10, "randaugment.magnitude must be from 0 to 10")
    require(training["cutout"] >= 0, "cutout must be at least 0")
    require(training["mixup"] >= 0, "mixup must be at least 0")
    require(not optimiser["nesterov"] or optimiser["momentum"] > 0, "nesterov needs a momentum above 0")
