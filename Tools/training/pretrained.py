"""The weights that a backbone starts from: a file of torchvision's or timm's names, or a checkpoint of this project.

The backbones' own names are torchvision's, and timm's ResNets have them too; timm's MobileNetV2 has others. The file's classifier
is of other classes and stays where it is.
"""

import re

import safetensors
import torch
from safetensors.torch import load_file

import backbones
import checkpoint
from config import UserError
from pictures import listed

# Where files keep their weights, and what wrappers put before every name.
SECTIONS = ("state_dict_best", "state_dict", "model", "feat_model")
WRAPPERS = re.compile(r"^(module|model|backbone|feat_model)\.")
CLASSIFIER = re.compile(r"^(fc|classifier|head|linear)\b")
# Of all tensors of backbone and file, at least this share must belong to both: else the file is of another network.
ENOUGH = 0.75


def read(path):
    """The file's tensors under torchvision's names."""
    try:
        found = load_file(path) if path.suffix == ".safetensors" else checkpoint.load(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: name a file of weights") from None
    except (safetensors.SafetensorError, OSError):
        raise UserError(f"{path}: is no safetensors file that can be read: name another file of weights") from None
    for section in SECTIONS:
        if isinstance(found.get(section), dict):
            found = found[section]
    weights = {_bare(str(name)): tensor for name, tensor in found.items() if isinstance(tensor, torch.Tensor)}
    if "conv_stem.weight" in weights:
        weights = {_as_torchvision(name): tensor for name, tensor in weights.items()}
    # A counter of batches says nothing: the moving averages are weighted by a constant.
    return {name: tensor for name, tensor in weights.items() if not name.endswith("num_batches_tracked")}


def _bare(name):
    while WRAPPERS.match(name):
        name = WRAPPERS.sub("", name)
    return name


def _as_torchvision(name):
    """A tensor's name in timm's MobileNetV2 as torchvision has it."""
    layer, _, value = name.rpartition(".")
    ends = {"conv_stem": "0.0", "bn1": "0.1", "conv_head": "18.0", "bn2": "18.1"}
    if layer in ends:
        return f"features.{ends[layer]}.{value}"
    place = re.fullmatch(r"blocks\.(\d+)\.(\d+)\.(\w+)", layer)
    stages = backbones.MobileNetV2Feature.STAGES
    if place is None or int(place[1]) >= len(stages):
        return name
    number = 1 + sum(blocks for _, _, blocks, _ in stages[: int(place[1])]) + int(place[2])
    names = ("conv_dw", "bn1", "conv_pw", "bn2") if number == 1 else ("conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3")
    if place[3] not in names:
        return name
    # Every pair but the last, which has no activation, is a module of its own.
    at = names.index(place[3])
    pairs = len(names) // 2 - 1
    inner = f"{at // 2}.{at % 2}" if at // 2 < pairs else str(pairs + at % 2)
    return f"features.{number}.conv.{inner}.{value}"


def checked(path, network):
    """The name of the backbone whose weights the file holds: `network`, where the user has named one. Refuses other files."""
    weights = read(path)
    if network is not None:
        with torch.device("meta"):
            _Fit(backbones.BACKBONES[network](), weights).require(path, network)
        return network
    shares = {}
    for name, kind in backbones.BACKBONES.items():
        # No memory, no numbers: only names and shapes.
        with torch.device("meta"):
            shares[name] = _Fit(kind(), weights).share
    best = max(shares, key=shares.get)
    if shares[best] < ENOUGH:
        raise UserError(f"{path}: holds the weights of no network that is known here: {' or '.join(backbones.BACKBONES)}")
    return best


def start(path, feat_model):
    """Gives `feat_model` what the file has of it. The result is one line that says what was taken and what was not."""
    fit = _Fit(feat_model, read(path))
    name = type(feat_model).__name__
    fit.require(path, name)
    feat_model.load_state_dict(fit.taken, strict=False)
    said = [f"{path.name}: {len(fit.taken)} of {fit.expected} tensors of {name} taken"]
    for reason, names in (
        ("in the file but of another shape", fit.misfits),
        ("not in the file", fit.missing),
        ("passed over as its classifier", fit.classifier),
        ("passed over as no part of the network", fit.foreign),
    ):
        if names:
            said.append(f"{reason}: {listed(sorted(names))}")
    return "; ".join(said)


class _Fit:
    """Which tensors of a file a backbone can take."""

    def __init__(self, feat_model, weights):
        own = {name: tensor for name, tensor in feat_model.state_dict().items() if not name.endswith("num_batches_tracked")}
        self.expected = len(own)
        fits = [name for name, tensor in own.items() if name in weights and weights[name].shape == tensor.shape]
        self.taken = {name: weights[name] for name in fits}
        self.misfits = [name for name in own if name in weights and name not in self.taken]
        self.missing = [name for name in own if name not in weights]
        rest = [name for name in weights if name not in own]
        self.classifier = [name for name in rest if CLASSIFIER.match(name)]
        self.foreign = [name for name in rest if name not in self.classifier]

    def require(self, path, name):
        if self.share < ENOUGH:
            raise UserError(
                f"{path}: {len(self.taken)} of the {self.expected} tensors of {name} are in it, and {len(self.foreign)} of another"
                f" network: name a file of {name}"
            )

    @property
    def share(self):
        return len(self.taken) / (self.expected + len(self.foreign))
