"""Checkpoint files in the reference's two schemas.

latest: epoch, state_dict {feat_model, classifier}, embed, and what an exact resume needs besides.
final:  epoch, best_epoch, state_dict_best {feat_model, classifier}, best_acc, embed.
embed, the moving average of training features, is a NumPy float32 array.
"""

import os

import numpy as np
import torch

import models
from config import UserError

# torch.load refuses NumPy arrays unless told of exactly these: nothing else in a file can run code.
_NUMPY_GLOBALS = [np._core.multiarray._reconstruct, np.ndarray, np.dtype, np.dtypes.Float32DType]


def state(feat_model, classifier):
    return {"feat_model": plain(feat_model), "classifier": plain(classifier)}


def plain(module):
    """The module's state dict with every tensor on the CPU and in the default memory order, whatever training used."""
    tensors = module.state_dict()
    for name, tensor in tensors.items():
        tensors[name] = tensor.cpu().contiguous()
    return tensors


def save(path, contents):
    """Writes aside and renames: a file that was there stays whole until the new one is."""
    aside = path.with_name(path.name + ".part")
    # An open file, not a path: torch names the archive's folder after a path.
    with open(aside, "wb") as file:
        torch.save(contents, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


def load(path):
    try:
        with torch.serialization.safe_globals(_NUMPY_GLOBALS):
            contents = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: train first, or name another folder") from None
    except Exception:
        # A file that is no checkpoint can fail anywhere in torch's reader, with any exception.
        contents = None
    if not isinstance(contents, dict):
        raise UserError(f"{path}: is not a checkpoint that holds only weights and numbers: name another file")
    return contents


def load_model(path, config):
    """The trained feature model, its classifier and the direction, from a checkpoint of either schema."""
    contents = load(path)
    feat_model, classifier = models.build(config)
    try:
        restore(feat_model, classifier, weights_of(contents))
        direction = torch.as_tensor(contents["embed"], dtype=torch.float32)
    except (KeyError, TypeError, RuntimeError, AttributeError):
        raise does_not_fit(path) from None
    if direction.shape != (feat_model.feat_dim,):
        raise UserError(f"{path}: embed has shape {tuple(direction.shape)}, not ({feat_model.feat_dim},): train again")
    return feat_model.eval(), classifier.eval(), direction


def load_stage1(path, feat_model, classifier, with_classifier):
    """What a second stage starts from: the backbone, and on demand the linear layer. The direction is the result."""
    contents = load(path)
    try:
        weights = weights_of(contents)
        feat_model.load_state_dict(weights["feat_model"])
        if with_classifier:
            classifier.fc.load_state_dict({name.removeprefix("fc."): value for name, value in weights["classifier"].items()})
        return torch.as_tensor(contents["embed"], dtype=torch.float32)
    except (KeyError, TypeError, RuntimeError, AttributeError):
        raise does_not_fit(path) from None


def does_not_fit(path):
    return UserError(f"{path}: does not fit the configuration: name the one it was trained with")


def weights_of(contents):
    return contents["state_dict_best"] if "state_dict_best" in contents else contents["state_dict"]


def restore(feat_model, classifier, weights):
    feat_model.load_state_dict(weights["feat_model"])
    classifier.load_state_dict(weights["classifier"])
