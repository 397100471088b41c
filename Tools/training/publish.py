"""Puts a finished run where the project keeps its models, with what was measured: publish.py RUN --to DIR --command TEXT.

DIR, new, gets the checkpoint, its configuration without the place of the data, class names and counts, the log, and
README.md: the command that trained, the hashes of checkpoint and .rbit file, and the accuracy of PyTorch, of rarebit-convert in
float32 and of the .rbit file in int8, by frequency group, all measured here and now on the whole test part. The same rows go
to standard output, for docs/results.md.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch

import checkpoint
import config as configuration
import data
from config import UserError
from evaluate import Model

ROOT = Path(__file__).resolve().parents[2]
GROUPS = ("many", "medium", "few", "all")


def main():
    parser = argparse.ArgumentParser(description="Put a finished run among the project's models, with measured figures.")
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--data", required=True, help=data.SPEC)
    parser.add_argument("--to", type=Path, required=True, help="folder for the model; new")
    parser.add_argument("--command", required=True, help="how to train it again, for README.md: no paths of this machine")
    parser.add_argument("--hash-only", action="store_true", help="leave the checkpoint out, and give its hash alone")
    parser.add_argument("--convert", type=Path, default=ROOT / ".build/release/rarebit-convert", help="the converter")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="processor threads")
    arguments = parser.parse_args()
    if arguments.to.exists():
        raise UserError(f"{arguments.to}: exists: remove it, or name another folder")
    if not arguments.convert.is_file():
        raise UserError(f"{arguments.convert}: no such file: swift build --configuration release --product rarebit-convert")
    torch.set_num_threads(arguments.threads)
    config = configuration.load(arguments.run / "config.yaml")
    log = finished_log(arguments.run, config)
    weights = arguments.run / "checkpoint.pth"
    rows = measured_by_pytorch(config, weights, arguments.data)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / f"{arguments.to.name}.rbit"
        rows += measured_by_converter(arguments, config, model)
        hashes = {"checkpoint.pth": sha256(weights), model.name: sha256(model)}
    text = readme(arguments, config, log, rows, hashes)
    # Made aside and renamed: what stands under its name is whole.
    aside = arguments.to.with_name(f".{arguments.to.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    copy_run(arguments, config, aside)
    (aside / "README.md").write_text(text, encoding="utf-8")
    aside.rename(arguments.to)
    print(table(rows))


def finished_log(run, config):
    try:
        log = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        log = []
    if not log or log[-1]["epoch"] != config["training_opt"]["num_epochs"]:
        raise UserError(f"{run}: is no finished run: let it end first, with train.py --resume")
    return log


def measured_by_pytorch(config, weights, spec):
    parts = data.load(spec, config)
    model = Model(config, *checkpoint.load_model(weights, config), parts.counts)
    alpha = float(config["networks"]["classifier"]["params"]["alpha"])
    return [{"numbers": "PyTorch float32", **row} for row in model.table(parts.test, sorted({0.0, alpha}))]


def measured_by_converter(arguments, config, model):
    run, name = arguments.run, data.converter_specs(arguments.data)
    alpha = float(config["networks"]["classifier"]["params"]["alpha"])
    report = model.with_suffix(".json")
    given = ["--config", run / "config.yaml"]
    convert(arguments, "convert", run / "checkpoint.pth", *given, "--calibrate", name["train"], "-o", model)
    against = ["--against", run / "checkpoint.pth", *given, "--data", name["test"]]
    convert(arguments, "evaluate", model, *against, "--alpha", f"0,{alpha:g}" if alpha else "0", "--report", report)
    titles = {"float32": "rarebit-convert float32", "int8": "int8"}
    rows = json.loads(report.read_text(encoding="utf-8"))["rows"]
    return [{**dict.fromkeys(GROUPS), **row, "numbers": titles[row["numbers"]]} for row in rows]


def convert(arguments, *command):
    done = subprocess.run([arguments.convert, *command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UserError(f"rarebit-convert {command[0]}: {done.stderr.strip().splitlines()[-1]}")


def kind_of(config):
    """The kind of data, without the place that a run may have noted beside it."""
    return config["training_opt"]["dataset"].partition(":")[0]


def copy_run(arguments, config, to):
    for name in ("class-names.txt", "class-counts.txt", "log.jsonl", *([] if arguments.hash_only else ["checkpoint.pth"])):
        shutil.copyfile(arguments.run / name, to / name)
    config["training_opt"]["dataset"] = kind_of(config)
    configuration.write(to / "config.yaml", config)


def readme(arguments, config, log, rows, hashes):
    training, networks = config["training_opt"], config["networks"]
    tested = [record for record in log if "test" in record]
    best = max(tested, key=lambda record: record["test"][-1]["all"])
    kept = "| epochs tested | alpha | many | medium | few | all |\n|---|---|---|---|---|---|\n"
    for title, record in (("last", log[-1]), ("best", best)):
        for row in record["test"]:
            kept += f"| {title}, {record['epoch']} | {row['alpha']:g} | {cells(row)} |\n"
    files = "".join(f"| `{name}` | `{value}` |\n" for name, value in hashes.items())
    loss = config["criterions"]["PerformanceLoss"]["def_file"]
    return f"""# {arguments.to.name}

{networks["feat_model"]["def_file"]} with {networks["classifier"]["def_file"]} and {loss}, trained by this project from random
weights on {sum(int(n) for n in (arguments.run / "class-counts.txt").read_text().split())} images of {kind_of(config)}
({training["num_epochs"]} epochs, seed {training["seed"]}, precision {training["precision"]}). In `Tools/training`:

```
{arguments.command}
```

Top-1 accuracy in percent on the whole test part, a group's figure being the mean of its classes' accuracies; many: more than 100
training images, medium: 20 to 100, few: fewer than 20. The weights are those of the last epoch.

{table(rows)}
What the log says, on the test part; the best epoch was chosen by it, is no result, and was not kept:

{kept}
| file | SHA-256 |
|---|---|
{files}"""


def table(rows):
    lines = ["| numbers | alpha | many | medium | few | all |", "|---|---|---|---|---|---|"]
    lines += [f"| {row['numbers']} | {row['alpha']:g} | {cells(row)} |" for row in sorted(rows, key=lambda row: row["alpha"])]
    return "\n".join(lines) + "\n"


def cells(row):
    return " | ".join("-" if row[group] is None else f"{row[group]:.2f}" for group in GROUPS)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    configuration.run(main)
