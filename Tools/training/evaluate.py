"""Measures a trained model by class frequency: evaluate.py DIR [--data SPEC] [--alpha A,A,...] [--json FILE].

DIR holds checkpoint.pth and config.yaml. --choose-alpha looks for the best alpha on the held-out images, never on those that
the network was trained with nor on the test images, and writes it into config.yaml.
"""

import argparse
import json
import math
import re
from pathlib import Path

import torch

import checkpoint
import config as configuration
import data
import shift
from config import UserError

# Training images per class: more than 100 is many, fewer than 20 is few.
MANY, FEW = 100, 20
# 0, 0.1, ... 3: the published values of alpha lie in it.
ALPHA_GRID = [step / 10 for step in range(31)]


def main():
    parser = argparse.ArgumentParser(description="Measure a trained model by class frequency.")
    parser.add_argument("folder", type=Path, help="folder with checkpoint.pth and config.yaml")
    parser.add_argument("--data", help=f"{data.SPEC} (default: the configuration's dataset)")
    parser.add_argument("--checkpoint", type=Path, help="another file than the folder's checkpoint.pth, such as its latest.pth")
    parser.add_argument("--alpha", help="comma-separated list (default: 0 and the configuration's)")
    parser.add_argument("--choose-alpha", action="store_true", help="choose alpha on held-out images, write it to config.yaml")
    parser.add_argument("--shift", help="also where classes come with other shares, like uniform,backward-50; kept in shift.json")
    parser.add_argument("--seed", type=int, default=1, help="of the draw that --shift makes among the test images (default: 1)")
    parser.add_argument("--json", type=Path, help="write the figures to this file too, at all of 0, 0.1, ... 3: for figures.py")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="processor threads")
    arguments = parser.parse_args()
    if arguments.threads < 1:
        parser.error("--threads must be at least 1")
    torch.set_num_threads(arguments.threads)
    shifts = shift.parse(arguments.shift) if arguments.shift else []

    path = arguments.folder / "config.yaml"
    config = configuration.load(path)
    parts = data.load(arguments.data, config)
    weights = arguments.checkpoint or arguments.folder / "checkpoint.pth"
    model = Model(config, *checkpoint.load_model(weights, config), parts.counts)
    for line in parts.notes:
        print(line)

    alpha = config["networks"]["classifier"]["params"]["alpha"]
    if arguments.choose_alpha:
        if len(parts.held_out) == 0:
            raise UserError(
                f"{path}: no images are held out, and neither the images trained with nor the test images may choose alpha:"
                " train with held_out above 0, or set alpha by hand"
            )
        alpha = model.choose_alpha(parts.held_out)
        write_alpha(path, alpha)
        classes = len(parts.held_out.labels.unique())
        held_out = f"{len(parts.held_out)} images of {classes} classes, held out from training"
        print(f"alpha {alpha:g} has the best mean class accuracy on {held_out}")
    alphas = parse_alphas(arguments.alpha) if arguments.alpha else sorted({0.0, float(alpha)})
    rows = model.table(parts.test, sorted({*alphas, *ALPHA_GRID}) if arguments.json else alphas)
    print_table([row for row in rows if row["alpha"] in alphas])
    if shifts:
        shifted = shift.table(model, parts, alpha, shifts, arguments.seed)
        print(f"\ntest images drawn by class, seed {arguments.seed}; correct of all, at alpha 0 and {alpha:g}")
        shift.print_table(shifted)
        record = {"alpha": alpha, "seed": arguments.seed, "rows": shifted}
        (arguments.folder / "shift.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures(model, parts, alpha, rows)) + "\n", encoding="utf-8")


def figures(model, parts, alpha, rows):
    """Everything that figures.py draws."""
    return {
        "alpha": alpha,
        "momentum": model.config["training_opt"]["optim_params"]["momentum"],
        "names": parts.names,
        "counts": parts.counts,
        "magnitudes": [round(magnitude, 4) for magnitude in model.magnitudes(parts.test)],
        "rows": rows,
    }


def parse_alphas(text):
    try:
        alphas = [float(item) for item in text.split(",")]
    except ValueError:
        alphas = [math.nan]
    if not all(math.isfinite(alpha) for alpha in alphas):
        raise UserError(f"--alpha {text!r}: give numbers, like 0,1.5")
    return alphas


class Model:
    """A trained network, with the training images of each class."""

    def __init__(self, config, feat_model, classifier, direction, counts):
        self.config, self.feat_model, self.classifier, self.direction = config, feat_model, classifier, direction
        params = config["networks"]["classifier"]["params"]
        self.shift = None
        if params["adjust"] == "logit-adjustment":
            frequencies = torch.tensor(counts) / sum(counts)
            self.shift = -params["adjust_strength"] * frequencies.log().to(direction.device)
        self.counts = counts

    def choose_alpha(self, held_out):
        features = features_of(self.feat_model, held_out, self.config)
        return best_alpha(lambda alpha: self._logits(features, alpha), held_out.labels)

    def table(self, images, alphas):
        """One row for each alpha: accuracy in percent by frequency group, and by class."""
        features = features_of(self.feat_model, images, self.config)
        rows = []
        for alpha in alphas:
            by_class = 100 * class_accuracies(self._logits(features, alpha), images.labels)
            groups = by_group(by_class, self.counts)
            rows.append({"alpha": alpha, **groups, "classes": [round(a, 2) for a in by_class.tolist()]})
        return rows

    def logits(self, images, alpha):
        return self._logits(features_of(self.feat_model, images, self.config), alpha)

    def magnitudes(self, images):
        """The mean length of each class's features."""
        lengths = features_of(self.feat_model, images, self.config).norm(dim=1).cpu()
        return [lengths[images.labels == label].mean().item() for label in range(len(self.counts))]

    @torch.no_grad()
    def _logits(self, features, alpha):
        logits = self.classifier(features, self.direction, alpha)
        return (logits if self.shift is None else logits + self.shift).cpu()


@torch.no_grad()
def features_of(feat_model, images, config, batch_size=500):
    """On the device of the model."""
    feat_model.eval()
    device = next(feat_model.parameters()).device
    batches = (images.pick(indices).pixels for indices in torch.arange(len(images)).split(batch_size))
    return torch.cat([feat_model(data.normalise(batch, config, device)) for batch in batches])


def best_alpha(logits_at, labels):
    """Of ALPHA_GRID the one with the best mean class accuracy; among equals the first, so the smallest that does it."""
    # A class without images has no accuracy, and no say.
    return max(ALPHA_GRID, key=lambda alpha: class_accuracies(logits_at(alpha), labels).nanmean().item())


def class_accuracies(logits, labels):
    """The share of each class's images that are recognised."""
    classes = logits.shape[1]
    right = labels[logits.argmax(dim=1) == labels]
    return torch.bincount(right, minlength=classes) / torch.bincount(labels, minlength=classes)


def by_group(by_class, counts):
    """The mean over each group's classes, and over all of them; None for a group without classes."""
    groups = {
        "many": [a for a, n in zip(by_class.tolist(), counts) if n > MANY],
        "medium": [a for a, n in zip(by_class.tolist(), counts) if FEW <= n <= MANY],
        "few": [a for a, n in zip(by_class.tolist(), counts) if n < FEW],
        "all": by_class.tolist(),
    }
    return {name: round(sum(group) / len(group), 2) if group else None for name, group in groups.items()}


def print_table(rows):
    print("alpha    many  medium     few     all")
    for row in rows:
        cells = (row[name] for name in ("many", "medium", "few", "all"))
        print(f"{row['alpha']:5g}" + "".join("       -" if cell is None else f"{cell:8.2f}" for cell in cells))


def write_alpha(path, alpha):
    """Changes alpha's line only: the file's comments and order are the author's."""
    text, changed = re.subn(r"(?m)^(\s*alpha:).*$", rf"\g<1> {alpha}", path.read_text(encoding="utf-8"))
    if changed != 1:
        raise UserError(f"{path}: alpha needs exactly one line of its own: write it so, or set it by hand to {alpha}")
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    configuration.run(main)
