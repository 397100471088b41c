"""Writes the tables of docs/results.md from Tools/models: results.py [--check].

Every figure of ours comes from a published model's log.jsonl, config.yaml and README.md, so that nobody types one. What stands
between `<!-- results.py: NAME -->` and `<!-- end -->` is replaced, the rest is left as it is. A model that nobody trained is "not
run". Figures named published are the paper's (Tang, Huang, Zhang, NeurIPS 2020).
"""

import argparse
import json
import re
from dataclasses import dataclass
from pathlib import Path

import config as configuration
import shift
from config import UserError

ROOT = Path(__file__).resolve().parents[2]
RATIOS = (100, 50, 10)
TITLES = {"cifar10": "CIFAR-10-LT", "cifar100": "CIFAR-100-LT"}
NOT_RUN = "not run"


@dataclass
class Method:
    """A row of Table 3: how a configuration shows that it trained it, and the paper's figures at each imbalance ratio."""

    title: str
    classifier: str
    loss: str
    cifar10: tuple = (None, None, None)
    cifar100: tuple = (None, None, None)
    # What else of training_opt makes it: "mixup", "modern" for configs/modern.yaml, or nothing.
    recipe: str = ""
    # The row is De-confound with alpha 0, or with its alpha.
    with_alpha: bool = False


METHODS = (
    Method("Softmax", "DotProductClassifier", "SoftmaxLoss"),
    Method("Focal loss", "DotProductClassifier", "FocalLoss", (70.4, 76.7, 86.7), (38.4, 44.3, 55.8)),
    Method("mixup", "DotProductClassifier", "SoftmaxLoss", recipe="mixup"),
    Method("Class-balanced", "DotProductClassifier", "ClassBalancedLoss"),
    Method("LDAM(-DRW)", "LDAMClassifier", "LDAMLoss", (77.0, 81.0, 88.2), (42.0, 46.6, 58.7)),
    Method("De-confound", "CausalNormClassifier", "SoftmaxLoss", (71.7, 77.8, 86.8), (40.5, 46.2, 58.9)),
    Method("De-confound-TDE", "CausalNormClassifier", "SoftmaxLoss", (80.6, 83.6, 88.5), (44.1, 50.3, 59.6), with_alpha=True),
    Method("De-confound, balanced softmax, modern.yaml", "CausalNormClassifier", "BalancedSoftmaxLoss", recipe="modern"),
    Method("The same with TDE", "CausalNormClassifier", "BalancedSoftmaxLoss", recipe="modern", with_alpha=True),
)
# The order of the other tables' rows: what the project is about first.
ROWS = (*METHODS[5:], *METHODS[:5])


@dataclass
class Trained:
    """A folder of Tools/models."""

    name: str
    data: str
    ratio: int
    classifier: str
    loss: str
    recipe: str
    precision: str
    seed: int
    log: list[dict]
    # The cells of README.md's table of measured figures, row by row.
    measured: list[list[str]]

    def is_of(self, method):
        return (self.classifier, self.loss, self.recipe) == (method.classifier, method.loss, method.recipe)

    def accuracy(self, method):
        return self.log[-1]["test"][-1 if method.with_alpha else 0]["all"]


def main():
    parser = argparse.ArgumentParser(description="Write the tables of docs/results.md from the logs of Tools/models.")
    parser.add_argument("--models", type=Path, default=ROOT / "Tools/models", help="folder of published models")
    parser.add_argument("--results", type=Path, default=ROOT / "docs/results.md", help="the file with the tables")
    parser.add_argument("--check", action="store_true", help="change nothing; fail where a table is not what the logs say")
    arguments = parser.parse_args()
    if not update(arguments.models, arguments.results, arguments.check) and arguments.check:
        raise UserError(f"{arguments.results}: a table is not what the logs of {arguments.models} say: run results.py")


def update(models, results, check=False):
    """Whether the file was as it should be. It is written, unless `check`, where it was not."""
    text = results.read_text(encoding="utf-8")
    trained = [read(folder) for folder in sorted(models.iterdir()) if (folder / "log.jsonl").is_file()]
    trained = [model for model in trained if model is not None]

    def block(match):
        name = match[2]
        if name == "shift":
            return f"{match[1]}\n{shifted(models)}{match[3]}"
        if name not in TABLES:
            raise UserError(f"{results}: there is no table {name!r}: use shift, {', '.join(TABLES)}")
        return f"{match[1]}\n{TABLES[name](trained)}{match[3]}"

    written = re.sub(r"(?s)(<!-- results\.py: ([a-z0-9-]+) -->)\n.*?(<!-- end -->)", block, text)
    if written != text and not check:
        aside = results.with_name(f".{results.name}.part")
        aside.write_text(written, encoding="utf-8")
        aside.replace(results)
    return written == text


def read(folder):
    """None for what no table here shows: figures of other networks, or of other lengths of training, cannot stand beside these."""
    config = configuration.load(folder / "config.yaml")
    training, networks = config["training_opt"], config["networks"]
    kind = training["dataset"].partition(":")[0]
    is_shown = kind in TITLES and training["num_epochs"] == 200 and networks["feat_model"]["def_file"] == "ResNet32Feature"
    if not is_shown or training["cifar_imb_ratio"] is None:
        return None
    readme = (folder / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| ((?:PyTorch float32|rarebit-convert float32|int8) \|.*) \|$", readme)
    return Trained(
        name=folder.name,
        data=kind,
        ratio=round(1 / training["cifar_imb_ratio"]),
        classifier=networks["classifier"]["def_file"],
        loss=config["criterions"]["PerformanceLoss"]["def_file"],
        recipe=recipe(training),
        precision="bfloat16 autocast" if training["precision"] == "bfloat16" else training["precision"],
        seed=training["seed"],
        log=[json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()],
        measured=[row.split(" | ") for row in rows],
    )


def recipe(training):
    if training["randaugment"] is not None or training["cutout"]:
        return "modern"
    return "mixup" if training["mixup"] else ""


def table_3(data):
    """Published beside ours, one column for each imbalance ratio."""

    def table(trained):
        lines = [f"| {TITLES[data]}, published / ours |" + "".join(f" IR {ratio} |" for ratio in RATIOS), "|---" * 4 + "|"]
        for method in METHODS:
            published = getattr(method, data)
            cells = []
            for ratio, figure in zip(RATIOS, published):
                own = [model for model in trained if (model.data, model.ratio) == (data, ratio) and model.is_of(method)]
                cells.append(f"{'-' if figure is None else figure} / {spread([model.accuracy(method) for model in own])}")
            lines.append(f"| {method.title} | {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"

    return table


def spread(figures):
    """The mean, and from where to where where several seeds were trained."""
    if not figures:
        return NOT_RUN
    mean = f"{sum(figures) / len(figures):.2f}"
    return mean if len(figures) == 1 else f"{mean} ({min(figures):.2f} to {max(figures):.2f}, {len(figures)} seeds)"


def last_and_best(trained):
    lines = ["| run | precision, seed | last epoch, alpha 0 / alpha | best epoch, alpha 0 / alpha |", "|---" * 4 + "|"]
    for method, model in shown(trained):
        if method.with_alpha:
            continue
        best = max((record for record in model.log if "test" in record), key=lambda record: record["test"][-1]["all"])
        cells = [" / ".join(f"{row['all']:.2f}" for row in record["test"]) for record in (model.log[-1], best)]
        name = f"{TITLES[model.data]}, IR {model.ratio}, {method.title}"
        lines.append(f"| {name} | {model.precision}, {model.seed} | {cells[0]} | {best['epoch']}: {cells[1]} |")
    return "\n".join(lines) + "\n"


def from_pytorch_to_int8(trained):
    tables = []
    for data, title in TITLES.items():
        for ratio in RATIOS:
            lines = []
            for method, model in shown(trained):
                if (model.data, model.ratio) != (data, ratio):
                    continue
                seed = f", seed {model.seed}" if model.seed != 1 else ""
                for numbers, alpha, *cells in model.measured:
                    if method.with_alpha == (float(alpha) != 0):
                        name = f"{method.title}{seed}, {numbers}" if numbers.startswith("PyTorch") else numbers
                        lines.append(f"| {' | '.join([name, alpha, *cells])} |")
            if lines:
                header = f"| {title}, IR {ratio} | alpha | many | medium | few | all |"
                tables.append("\n".join([header, "|---" * 6 + "|", *lines]) + "\n")
    return "\n".join(tables)


def shown(trained):
    """Each row's method and model, in the order of the tables."""
    for data in TITLES:
        for ratio in RATIOS:
            for method in ROWS:
                for model in sorted(trained, key=lambda model: model.seed):
                    if (model.data, model.ratio) == (data, ratio) and model.is_of(method):
                        yield method, model


def shifted(models):
    """What evaluate.py --shift kept, of every model that has it."""

    lines = ["| model, alpha | test images | " + " | ".join(shift.TITLES.values()) + " |", "|---" * (2 + len(shift.TITLES)) + "|"]
    for path in sorted(models.glob("*/shift.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        for row in record["rows"]:
            cells = (f"{row[way]:.2f}" if way in row else "-" for way in shift.TITLES)
            lines.append(f"| {path.parent.name}, {record['alpha']:g} | {row['shift']}, {row['images']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


TABLES = {
    "cifar10": table_3("cifar10"),
    "cifar100": table_3("cifar100"),
    "last-and-best": last_and_best,
    "int8": from_pytorch_to_int8,
}

if __name__ == "__main__":
    configuration.run(main)
