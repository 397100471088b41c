"""Measures a trained detector: average_precision.py DIR --train SPEC --test SPEC [--alpha A,A,...] [--adjust KIND=A,A ...] [--json FILE].

DIR holds checkpoint.pth and config.yaml. Average precision is COCO's, by pycocotools, in percent: AP over overlaps of 0.5 to 0.95,
AP50, and of rare, common and frequent classes (shown by at most 10, at most 100, more training pictures). The pooled ones rank the
detections of all classes in one list: one threshold for all, as a camera has it.
"""

import argparse
import contextlib
import io
import json
import math
from pathlib import Path

import numpy as np
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval, Params

import checkpoint
import config as configuration
import evaluate
from config import UserError
from detection import fields, mask_head, scenes, scoring
from detection.images import Images
from detection.network import Detector

# Training pictures of a rare class, and of one that is not frequent, at most.
RARE, COMMON = 10, 100
COLUMNS = ("AP", "AP50", "APr", "APc", "APf", "AP50r", "AP50c", "AP50f", "APpool", "AP50pool")
# COCO's, in pycocotools' own doubles.
OVERLAPS = Params("bbox").iouThrs


def main():
    parser = argparse.ArgumentParser(description="Measure a trained detector by class frequency.")
    parser.add_argument("folder", type=Path, help="folder with checkpoint.pth and config.yaml")
    parser.add_argument("--train", required=True, metavar="SPEC", help=f"whose counts make classes rare or frequent: {scenes.SPEC}")
    parser.add_argument("--test", required=True, metavar="SPEC", help="what is measured with, in the same form")
    parser.add_argument("--checkpoint", type=Path, help="another file than the folder's checkpoint.pth, such as its latest.pth")
    parser.add_argument("--alpha", help="of TDE, a comma-separated list (default: 0 and the configuration's)")
    kinds = ", ".join(f"{kind}={name.upper()},..." for kind, name in scoring.Adjustment.KINDS.items() if name and kind != "tde")
    parser.add_argument("--adjust", action="append", default=[], metavar="KIND=N,N", help=f"other adjustments beside: {kinds}")
    parser.add_argument("--json", type=Path, help="write the figures, by class too, to this file")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="processor threads")
    arguments = parser.parse_args()
    if arguments.threads < 1:
        parser.error("--threads must be at least 1")
    torch.set_num_threads(arguments.threads)
    config = fields.load(arguments.folder / "config.yaml")
    alpha = config["networks"]["classifier"]["params"]["alpha"]
    alphas = evaluate.parse_alphas(arguments.alpha) if arguments.alpha else sorted({0.0, float(alpha)})
    wanted = [("tde" if value else "none", value) for value in alphas]
    wanted += [pair for text in arguments.adjust for pair in parse_adjustment(text)]
    parts = [scenes.load(spec) for spec in (arguments.train, arguments.test)]
    scenes.require_same_classes(*parts)
    weights = arguments.checkpoint or arguments.folder / "checkpoint.pth"
    network = Detector(config["networks"], len(parts[0].names))
    restore(weights, network, checkpoint.load(weights))
    measured = Measurement(config, network, Images(config, network, torch.device("cpu")), parts[1], parts[0].counts)
    rows = []
    columns = [*COLUMNS, *(f"mask {name}" for name in ("AP", "AP50", "APr") if config["networks"]["detector"]["masks"])]
    print(f"{'adjustment':21} number" + "".join(f"{name:>10}" for name in columns))
    for kind, amount in wanted:
        rows.append(measured.row(kind, amount, by_class=True))
        cells = (rows[-1][name] for name in columns)
        print(f"{kind:21} {amount:6g}" + "".join("         -" if cell is None else f"{cell:10.2f}" for cell in cells), flush=True)
    if arguments.json:
        shared = {"alpha": alpha, "overlaps": OVERLAPS.tolist(), "names": parts[0].names, "counts": parts[0].counts}
        figures = shared | {"rows": rows}
        arguments.json.write_text(json.dumps(figures) + "\n", encoding="utf-8")


def parse_adjustment(text):
    kind, _, amounts = text.partition("=")
    if scoring.Adjustment.KINDS.get(kind) is None:
        known = ", ".join(known for known, name in scoring.Adjustment.KINDS.items() if name)
        raise UserError(f"--adjust {text!r}: is unknown: use {known}, each with =N,N")
    try:
        numbers = [float(amount) for amount in amounts.split(",")]
    except ValueError:
        numbers = [math.nan]
    if not all(math.isfinite(number) for number in numbers):
        raise UserError(f"--adjust {text!r}: give numbers, like {kind}=0.5,1")
    return [(kind, number) for number in numbers]


def restore(path, network, contents):
    """The network's weights, from what checkpoint.load read from `path`."""
    try:
        network.load_state_dict(contents["state_dict"])
    except (KeyError, TypeError, RuntimeError, AttributeError):
        raise checkpoint.does_not_fit(path) from None
    for number, stage in enumerate(network.stages, 1):
        if not torch.isfinite(stage.causal_embed).all():
            raise UserError(f"{path}: the direction of stage {number} is not of numbers: train again")


class Measurement:
    """The regions of a test part, computed once; every adjustment scores them anew. `counts`: training pictures of each class."""

    def __init__(self, config, network, images, part, counts):
        self.network, self.images, self.part, self.counts = network, images, part, counts
        self.options = config["networks"]["detector"]
        network.eval()
        self.regions = []
        for scene in part.scenes:
            maps, size, placement = images.measured_on(scene)
            (found,) = network.regions(maps, size)
            self.regions.append((scene, placement, found))
        with contextlib.redirect_stdout(io.StringIO()):
            self.truth = COCO(str(part.annotations))

    def row(self, kind, amount, by_class=False):
        """Figures in percent, COLUMNS, those of masks too if there are any, and if asked for AP50 of each class. None where no class
        is of a group."""
        by_overlap = np.where(OVERLAPS == 0.5)[0][0]
        answers = [answer for regions in self.regions for answer in self._answers(*regions, kind, amount)]
        result = {"adjustment": kind, "amount": amount}
        counts = np.array(self.counts)
        groups = {"": counts >= 0, "r": counts <= RARE, "c": (counts > RARE) & (counts <= COMMON), "f": counts > COMMON}
        for measure, prefix in (("bbox", ""), ("segm", "mask ")) if self.options["masks"] else (("bbox", ""),):
            by_class_and_overlap, in_one_list = self._precisions(answers, measure)
            ap, ap50 = by_class_and_overlap.mean(axis=0), by_class_and_overlap[by_overlap]
            for name, chosen in groups.items():
                result[f"{prefix}AP{name}"], result[f"{prefix}AP50{name}"] = percent(ap[chosen]), percent(ap50[chosen])
            result[f"{prefix}APpool"], result[f"{prefix}AP50pool"] = percent(in_one_list), percent(in_one_list[by_overlap])
            if by_class:
                result[f"{prefix}classes"] = [percent(one) for one in ap50]
        return result

    def _precisions(self, answers, measure):
        """By COCO's overlaps average precision of each class [T, C], NaN where it is not in the test, and of all as one [T]."""
        with contextlib.redirect_stdout(io.StringIO()):
            # Without any detection pycocotools has nothing to read: every precision is 0.
            found = self.truth.loadRes(answers) if answers else COCO()
            run = COCOeval(self.truth, found, measure)
            run.params.areaRng, run.params.areaRngLbl = run.params.areaRng[:1], run.params.areaRngLbl[:1]
            run.params.maxDets = [self.options["detections"]]
            run.evaluate()
            run.accumulate()
        # [T, R, K, A, M]; -1 where a class is not in the test part.
        precision = run.eval["precision"][:, :, :, 0, 0]
        return np.where(precision[:, 0] < 0, np.nan, precision.mean(axis=1)), pooled(run)

    @torch.no_grad()
    def _answers(self, scene, placement, found, kind, amount):
        """A scene's detections as COCO's results have them, in the picture's own pixels."""
        counts = torch.tensor(self.counts, device=found.boxes.device).clamp(min=1).float()
        adjustment = scoring.Adjustment(kind, amount, counts)
        probabilities = self.network.probabilities(found.features, adjustment)
        kept = scoring.detections(probabilities, found.boxes, self.options["threshold"], self.options["detections"])
        boxes, classes, scores = (part.cpu() for part in kept)
        corners = placement.to_picture(boxes)
        boxes = torch.cat([corners[:, :2], corners[:, 2:] - corners[:, :2]], dim=1).tolist()
        answers = [
            {"image_id": scene.id, "category_id": self.part.category_ids[label], "bbox": box, "score": score}
            for box, label, score in zip(boxes, classes.tolist(), scores.tolist())
        ]
        if self.options["masks"] and answers:
            probabilities = self.network.masks(self.images.measured_on(scene)[0], *kept[:2]).cpu()
            for answer, mask in zip(answers, mask_head.pasted(probabilities, corners, scene.width, scene.height)):
                answer["segmentation"] = mask_head.encoded(mask)
        return answers


def pooled(run):
    """Average precision of the detections of all classes in one list (Dave et al., 2021), for each overlap, from an evaluated COCOeval.

    Each detection is right or wrong as it was among its own class; precision is read at COCO's 101 recalls.
    """
    images = [image for image in run.evalImgs if image is not None]
    objects = sum(int((image["gtIgnore"] == 0).sum()) for image in images)
    if objects == 0:
        return np.full(len(run.params.iouThrs), np.nan)
    scores = np.concatenate([image["dtScores"] for image in images])
    order = np.argsort(-scores, kind="mergesort")
    right = np.concatenate([image["dtMatches"] for image in images], axis=1)[:, order] > 0
    counted = ~np.concatenate([image["dtIgnore"] for image in images], axis=1)[:, order].astype(bool)
    result = []
    for is_right, counts in zip(right, counted):
        hits, misses = np.cumsum(is_right & counts), np.cumsum(~is_right & counts)
        precision = hits / np.maximum(hits + misses, np.spacing(1))
        # At a recall the best precision of that recall or a larger one counts.
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        places = np.searchsorted(hits / objects, run.params.recThrs, side="left")
        result.append(np.where(places < len(precision), precision[np.minimum(places, len(precision) - 1)], 0).mean() if len(hits) else 0.0)
    return np.array(result)


def percent(values):
    """The mean of those that are numbers, to a hundredth; None if there are none."""
    values = np.atleast_1d(values)
    values = values[~np.isnan(values)]
    return round(float(100 * values.mean()), 2) if len(values) else None


if __name__ == "__main__":
    configuration.run(main)
