"""Draws what evaluate.py --json measured, as PNG and SVG: figures.py KIND FILE... --out DIR.

    alpha FILE            accuracy against alpha, by frequency group
    magnitudes FILE...    mean length of a class's features, from the most frequent class to the rarest
    momentum FILE...      accuracy against the momentum that each network was trained with
    precision FILE        a detector's average precision against alpha, by frequency group; FILE is of average_precision.py --json
    shift FILE            accuracy where the test does not look like the training; FILE is the shift.json of evaluate.py --shift
    reliability RUN       how far the probabilities of a run's network are to be believed, before and after the temperature that its
                          held-out images choose
    maps RUN              where the network of a run's folder looks in pictures of frequent and rare classes, plain and with TDE; the
                          figure holds the data set's pictures, which may not be yours to publish
"""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import torch
from matplotlib import pyplot
from torch.nn import functional as F

import calibration
import checkpoint
import config as configuration
import data
import shift
from classifiers import without_direction
from config import UserError
from evaluate import Model

GROUPS = {"many": "tab:blue", "medium": "tab:orange", "few": "tab:green", "all": "black"}


def main():
    parser = argparse.ArgumentParser(description="Draw figures from measured numbers, as PNG and SVG.")
    kinds = ("alpha", "magnitudes", "momentum", "precision", "shift", "reliability", "maps")
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("inputs", type=Path, nargs="+", help="files of evaluate.py --json; for reliability and maps a run's folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for the figures")
    parser.add_argument("--data", help=f"for reliability and maps: {data.SPEC} (default: the run's)")
    parser.add_argument("--pictures", type=int, default=4, help="for maps: so many of frequent and of rare classes")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="processor threads")
    arguments = parser.parse_args()
    if arguments.threads < 1 or arguments.pictures < 1:
        parser.error("--threads and --pictures must be at least 1")
    if arguments.kind in ("alpha", "precision", "shift", "reliability", "maps") and len(arguments.inputs) > 1:
        parser.error(f"{arguments.kind} takes one input")
    torch.set_num_threads(arguments.threads)
    # The same numbers give the same bytes.
    matplotlib.rcParams["svg.hashsalt"] = "rarebit"
    if arguments.kind == "maps":
        name, figure = "activation-maps", draw_maps(arguments.inputs[0], arguments.data, arguments.pictures)
    elif arguments.kind == "reliability":
        name, figure = "reliability", draw_reliability(arguments.inputs[0], arguments.data)
    else:
        measured = {path: read(path, FIELDS.get(arguments.kind, ACCURACY_FIELDS)) for path in arguments.inputs}
        name, draw = {
            "alpha": ("accuracy-by-alpha", draw_alpha),
            "magnitudes": ("magnitude-by-class", draw_magnitudes),
            "momentum": ("accuracy-by-momentum", draw_momentum),
            "precision": ("precision-by-alpha", draw_precision),
            "shift": ("accuracy-by-shift", draw_shift),
        }[arguments.kind]
        figure = draw(measured)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for ending in ("png", "svg"):
        path = arguments.out / f"{name}.{ending}"
        figure.savefig(path, dpi=150, bbox_inches="tight", metadata={"Date": None} if ending == "svg" else None)
        print(path)


# What evaluate.py writes with --json; and what it writes with --shift, and average_precision.py with --json.
ACCURACY_FIELDS = {"alpha", "momentum", "counts", "magnitudes", "rows"}
FIELDS = {"shift": {"alpha", "seed", "rows"}, "precision": {"alpha", "overlaps", "rows"}}


def read(path, fields):
    try:
        measured = json.loads(path.read_text(encoding="utf-8"))
        if fields <= measured.keys():
            return measured
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: write it with evaluate.py --json") from None
    except (OSError, ValueError, AttributeError):
        pass
    program = "average_precision.py" if fields == FIELDS["precision"] else "evaluate.py"
    raise UserError(f"{path}: is not such a file of figures: write it with {program} --json")


def axes(title, across, up):
    figure, place = pyplot.subplots(figsize=(6, 4))
    place.set(title=title, xlabel=across, ylabel=up)
    place.grid(alpha=0.3)
    return figure, place


def draw_alpha(measured):
    (only,) = measured.values()
    figure, place = axes("Accuracy by training images of the class", "alpha", "top-1 accuracy, %")
    for group, colour in GROUPS.items():
        points = [(row["alpha"], row[group]) for row in only["rows"] if row[group] is not None]
        if points:
            place.plot(*zip(*points), color=colour, label=group, linewidth=2 if group == "all" else 1.2)
    place.axvline(only["alpha"], color="grey", linestyle=":", label=f"configured, {only['alpha']:g}")
    place.legend()
    return figure


def draw_magnitudes(measured):
    figure, place = axes("Length of features, from frequent to rare classes", "class, by training images", "mean |x| of test images")
    for path, one in measured.items():
        order = sorted(range(len(one["counts"])), key=lambda label: -one["counts"][label])
        place.plot([one["magnitudes"][label] for label in order], label=path.stem, marker="." if len(order) < 30 else None)
    place.legend()
    return figure


def draw_momentum(measured):
    figure, place = axes("Accuracy by momentum in training", "momentum", "top-1 accuracy, %")
    runs = sorted(measured.values(), key=lambda one: one["momentum"])
    for title, style, pick in (("alpha 0", "--", lambda one: 0), ("TDE, alpha configured", "-", lambda one: one["alpha"])):
        rows = [next(row for row in one["rows"] if row["alpha"] == pick(one)) for one in runs]
        for group, colour in GROUPS.items():
            points = [(one["momentum"], row[group]) for one, row in zip(runs, rows) if row[group] is not None]
            if points:
                place.plot(*zip(*points), style, color=colour, marker="o", label=f"{group}, {title}")
    place.legend(fontsize="small", ncols=2)
    return figure


def draw_precision(measured):
    (only,) = measured.values()
    figure, place = axes("Average precision by training pictures of the class", "alpha", "AP at an overlap of 0.5, %")
    rows = sorted((row for row in only["rows"] if row["adjustment"] in ("none", "tde")), key=lambda row: row["amount"])
    groups = {"AP50f": "frequent", "AP50c": "common", "AP50r": "rare", "AP50": "all", "AP50pool": "all in one list"}
    colours = [*GROUPS.values(), "tab:purple"]
    for (name, title), colour in zip(groups.items(), colours):
        points = [(row["amount"], row[name]) for row in rows if row[name] is not None]
        if points:
            place.plot(*zip(*points), color=colour, label=title, marker=".")
    place.axvline(only["alpha"], color="grey", linestyle=":", label=f"configured, {only['alpha']:g}")
    place.legend()
    return figure


def draw_shift(measured):
    (only,) = measured.values()
    figure, place = axes("Where the test does not look like the training", "test images drawn by class", "correct, %")
    ways = [way for way in shift.TITLES if way in only["rows"][0]]
    width = 0.8 / len(ways)
    for number, way in enumerate(ways):
        places = [row + (number - (len(ways) - 1) / 2) * width for row in range(len(only["rows"]))]
        title = f"{shift.TITLES[way]}, alpha {only['alpha']:g}" if way == "tde" else shift.TITLES[way]
        place.bar(places, [row[way] for row in only["rows"]], width, label=title)
    place.set_xticks(range(len(only["rows"])), [row["shift"] for row in only["rows"]])
    # Below the picture: no bar is short everywhere.
    place.legend(fontsize="small", ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.15))
    return figure


def draw_reliability(folder, spec):
    config = configuration.load(folder / "config.yaml")
    parts = data.load(spec, config)
    if len(parts.held_out) == 0:
        raise UserError(f"{folder}: no images are held out, and neither training nor test images may choose a temperature")
    model = Model(config, *checkpoint.load_model(folder / "checkpoint.pth", config), parts.counts)
    alpha = float(config["networks"]["classifier"]["params"]["alpha"])
    chosen = calibration.temperature(model.logits(parts.held_out, alpha), parts.held_out.labels)
    logits = model.logits(parts.test, alpha)
    figure, places = pyplot.subplots(1, 2, figsize=(9, 4), sharey=True)
    for place, by, title in zip(places, (1.0, chosen), ("as trained", f"temperature {chosen:.2f}")):
        rows, error = calibration.reliability(logits, parts.test.labels, by)
        edges = [part / calibration.BINS for part in range(calibration.BINS)]
        place.bar(edges, [share for _, _, share in rows], 1 / calibration.BINS, align="edge", edgecolor="white")
        place.plot([0, 1], [0, 1], color="grey", linestyle=":")
        place.set(title=f"{title}, expected error {100 * error:.1f} %", xlabel="probability of the answer", xlim=(0, 1), ylim=(0, 1))
        print(f"{title}: expected calibration error {100 * error:.2f} %, alpha {alpha:g}")
    places[0].set_ylabel("share of right answers")
    return figure


@torch.no_grad()
def draw_maps(folder, spec, pictures):
    """Class activation maps (Zhou et al., CVPR 2016) of each picture's own class: its row times the maps before pooling."""
    config = configuration.load(folder / "config.yaml")
    parts = data.load(spec, config)
    feat_model, classifier, direction = checkpoint.load_model(folder / "checkpoint.pth", config)
    order = sorted(range(len(parts.counts)), key=lambda label: -parts.counts[label])
    half = min(pictures, len(order) // 2)
    labels = order[:half] + order[-half:]
    first = torch.tensor([torch.nonzero(parts.test.labels == label)[0, 0].item() for label in labels])
    pixels = parts.test.pick(first).pixels
    maps = feat_model.maps(data.normalise(pixels, config))
    rows = classifier.rows()[labels]
    alpha = config["networks"]["classifier"]["params"]["alpha"]
    # What TDE takes out of a feature may as well be taken out of the row: both products are the same.
    adjusted = without_direction(rows, direction, alpha, classifier.num_head)
    figure, places = pyplot.subplots(3, len(labels), figsize=(1.5 * len(labels), 5), squeeze=False)
    for column, label in enumerate(labels):
        picture = pixels[column].permute(1, 2, 0).numpy()
        places[0, column].imshow(picture)
        places[0, column].set_title(f"{parts.names[label]}\n{parts.counts[label]} images", fontsize=8)
        for place, row in zip(places[1:, column], (rows, adjusted)):
            heat = torch.einsum("d,dhw->hw", row[column], maps[column])[None, None]
            heat = F.interpolate(heat, size=picture.shape[:2], mode="bilinear", align_corners=False)[0, 0]
            place.imshow(picture)
            place.imshow(heat.numpy(), cmap="jet", alpha=0.5)
    for place, title in zip(places[:, 0], ("picture", "plain", f"TDE, alpha {alpha:g}")):
        place.set_ylabel(title)
    for place in places.flat:
        place.set(xticks=[], yticks=[])
    return figure


if __name__ == "__main__":
    configuration.run(main)
