"""Where the classes' shares in use are not those of training: test parts drawn by share, and what is done about it.

A network trained on shares p gives logits y whose softmax is right where classes come with p. Where they come with q instead,
y - ln p + ln q is (Saerens et al., 2002; Hong et al., CVPR 2021); a loss that already allowed for p leaves + ln q, and so does
TDE, which takes the pull of the frequent classes out of y. Where q is not known, it is estimated from the unlabelled pictures.
"""

import re

import torch

import data
from config import UserError

# Steps of expectation and maximisation; estimates settle long before.
STEPS = 100
# Losses that allow for the classes' shares while training: the logits are for equal shares.
BALANCING = {"BalancedSoftmaxLoss"}


def parse(text):
    """The shifts that --shift names: each a name and how many times more pictures the first class has than the last."""
    shifts = []
    for name in text.split(","):
        match = re.fullmatch(r"uniform|(forward|backward)-([1-9][0-9]*)", name)
        if match is None:
            raise UserError(f"--shift {text!r}: {name!r} is none: use uniform, forward-RATIO or backward-RATIO, like backward-50")
        shifts.append((name, 1 if match[1] is None else int(match[2])))
    return shifts


def drawn(labels, counts, name, ratio, seed):
    """The indices of the test images that are left, and how many of each class.

    Classes fall exponentially from all images of the first to 1/ratio of the last: `forward` in the order of their training
    images, `backward` in the opposite one.
    """
    classes = len(counts)
    order = sorted(range(classes), key=lambda label: counts[label], reverse=not name.startswith("backward"))
    most = min(int((labels == label).sum()) for label in range(classes))
    left = [0] * classes
    for label, count in zip(order, data.long_tail_counts(classes, most, 1 / ratio)):
        left[label] = max(1, count)
    generator = torch.Generator().manual_seed(seed)
    picked = []
    for label in range(classes):
        indices = torch.nonzero(labels == label).flatten()
        picked.append(indices[torch.randperm(len(indices), generator=generator)[: left[label]]])
    return torch.cat(picked), left


def shares(counts):
    counts = torch.as_tensor(counts, dtype=torch.float64)
    return counts / counts.sum()


def adjusted(logits, assumed, wanted):
    """The logits for classes that come with shares `wanted`, of a network whose logits assume the shares `assumed`."""
    return logits.double() - assumed.log() + wanted.log()


def estimated(logits, assumed):
    """The classes' shares among unlabelled pictures, by expectation and maximisation from their logits [N, C]."""
    share = assumed.clone()
    for _ in range(STEPS):
        share = adjusted(logits, assumed, share).softmax(dim=1).mean(dim=0)
        # A class that no picture speaks for keeps a share that has a logarithm.
        share = share.clamp(min=1e-12) / share.clamp(min=1e-12).sum()
    return share


def table(model, parts, alpha, shifts, seed):
    """One row for each shift: the percentage of its pictures that each way recognises."""
    logits = {at: model.logits(parts.test, at) for at in {0.0, float(alpha)}}
    equal = shares([1] * len(parts.counts))
    loss = model.config["criterions"]["PerformanceLoss"]["def_file"]
    trained = equal if loss in BALANCING or model.shift is not None else shares(parts.counts)
    rows = []
    for name, ratio in shifts:
        indices, left = drawn(parts.test.labels, parts.counts, name, ratio, seed)
        plain, known = logits[0.0][indices], shares(left)
        ways = {"plain": plain, "prior": adjusted(plain, trained, known)}
        ways["estimated"] = adjusted(plain, trained, estimated(plain, trained))
        if alpha:
            ways["tde"] = logits[float(alpha)][indices]
            ways["tde_prior"] = adjusted(ways["tde"], equal, known)
        labels = parts.test.labels[indices]
        right = {way: round(100 * (values.argmax(dim=1) == labels).double().mean().item(), 2) for way, values in ways.items()}
        rows.append({"shift": name, "images": len(indices), **right})
    return rows


# The ways in the order of the columns.
TITLES = {
    "plain": "plain",
    "tde": "TDE",
    "prior": "known shares",
    "tde_prior": "TDE and known shares",
    "estimated": "estimated shares",
}


def print_table(rows):
    titles = {way: title for way, title in TITLES.items() if way in rows[0]}
    width = max(len(row["shift"]) for row in rows)
    print(f"{'shift':{width}}  images" + "".join(f"  {title}" for title in titles.values()))
    for row in rows:
        cells = "".join(f"  {row[way]:{len(title)}.2f}" for way, title in titles.items())
        print(f"{row['shift']:{width}}  {row['images']:6}{cells}")
