"""The networks and the loss that a configuration describes."""

import torch

import backbones
import classifiers
import losses


def build(config):
    """The feature model and the classifier, freshly initialised."""
    head = config["networks"]["classifier"]
    kind = classifiers.CLASSIFIERS[head["def_file"]]
    names = ("feat_dim", "num_classes", "num_head", *kind.PARAMETERS)
    feat_model = backbones.BACKBONES[config["networks"]["feat_model"]["def_file"]]()
    return feat_model, kind(**{name: head["params"][name] for name in names})


def build_loss(config, classifier, counts):
    """`counts`: training images of each class."""
    loss = config["criterions"]["PerformanceLoss"]
    return losses.LOSSES[loss["def_file"]](torch.tensor(counts).float(), classifier.scale, **loss["loss_params"])
