"""The networks and the loss that a configuration describes."""

import torch

import backbones
import classifiers
import experts
import losses

# The names that networks.feat_model.def_file may give.
BACKBONES = backbones.BACKBONES | experts.EXPERT_BACKBONES


def feat_dim(backbone, num_head):
    """Of one with experts, of which there are as many as heads, the features of all."""
    kind = BACKBONES[backbone]
    return num_head * kind.expert_dim if backbone in experts.EXPERT_BACKBONES else kind.feat_dim


def build_backbone(backbone, num_head):
    return BACKBONES[backbone](num_head) if backbone in experts.EXPERT_BACKBONES else BACKBONES[backbone]()


def build(config):
    """The feature model and the classifier, freshly initialised."""
    head = config["networks"]["classifier"]
    kind = classifiers.CLASSIFIERS[head["def_file"]]
    names = ("feat_dim", "num_classes", "num_head", *kind.PARAMETERS)
    feat_model = build_backbone(config["networks"]["feat_model"]["def_file"], head["params"]["num_head"])
    return feat_model, kind(**{name: head["params"][name] for name in names})


def build_loss(config, classifier, counts):
    """`counts`: training images of each class."""
    loss = config["criterions"]["PerformanceLoss"]
    return losses.LOSSES[loss["def_file"]](torch.tensor(counts).float(), classifier.scale, **loss["loss_params"])
