"""Trains a long-tailed detector: detect.py CONFIG... --train SPEC --test SPEC --out DIR [--init FILE] [--resume] [--threads N].

SPEC is coco:ANNOTATIONS.json or coco:ANNOTATIONS.json:DIR. Of several configurations the later ones change the earlier ones. DIR
gets the whole configuration, class names and counts, log.jsonl (one line per epoch), latest.pth after every epoch and, at the
end, checkpoint.pth. The last epoch's weights are the result: no figure, test or other, chooses among epochs.
"""

import argparse
import hashlib
import time
from pathlib import Path

import torch

import average_precision
import checkpoint
import config as configuration
import machine
import pretrained
from config import UserError
from detection import fields, scenes
from detection.images import Images
from detection.network import Detector
from folder import RunFolder
from progress import Progress


def main():
    parser = argparse.ArgumentParser(description="Train a long-tailed detector.")
    parser.add_argument("config", type=Path, nargs="+", help="YAML configuration; later ones change earlier ones")
    parser.add_argument("--train", required=True, metavar="SPEC", help=f"what is trained with: {scenes.SPEC}")
    parser.add_argument("--test", required=True, metavar="SPEC", help="what is measured with, in the same form")
    parser.add_argument("--out", type=Path, required=True, help="folder for this run's files; new, unless --resume")
    parser.add_argument("--init", type=Path, help="weights that the backbone starts from: published ones, or a checkpoint of train.py")
    parser.add_argument("--resume", action="store_true", help="go on after the last finished epoch in --out")
    machine.add_options(parser)
    arguments = parser.parse_args()
    machine.prepare(parser, arguments)
    config = fields.load(*arguments.config)
    parts = [scenes.load(spec) for spec in (arguments.train, arguments.test)]
    scenes.require_same_classes(*parts)
    if config["networks"]["detector"]["masks"]:
        for part in parts:
            scenes.require_masks(part)
    # What does not fit is refused before the folder is made.
    run = Run(config, *parts, torch.device(arguments.device), arguments.init)
    with RunFolder(arguments.out, arguments.resume) as run.folder:
        if arguments.resume:
            run.resume()
        else:
            run.folder.describe(config, run.train_part, fields.FIELDS)
        run.folder.note_start(run.epoch, run.device, init_sha256=run.init)
        for line in (note for part in parts for note in part.notes):
            print(line)
        run.train()


class Run:
    """One training run: its network, optimiser and log, and the folder that it is given to write in."""

    def __init__(self, config, train_part, test_part, device, init):
        self.config, self.options, self.device, self.folder = config, config["training_opt"], device, None
        self.train_part, self.test_part = train_part, test_part
        torch.manual_seed(self.options["seed"])
        self.network = Detector(config["networks"], len(train_part.names))
        self.init = None
        if init is not None:
            print(pretrained.start(init, self.network.backbone))
            self.init = hashlib.sha256(init.read_bytes()).hexdigest()
        self.network.to(device)
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.SGD(trained, **self.options["optim_params"])
        self.images = Images(config, self.network, device)
        self.epoch, self.log = 0, []

    def train(self):
        epochs = self.options["num_epochs"]
        progress = Progress(epochs, self.epoch)
        while self.epoch < epochs:
            record = self._train_epoch(progress)
            self.epoch += 1
            if self.epoch == epochs or self.options["evaluate_every"] and self.epoch % self.options["evaluate_every"] == 0:
                record["test"] = self._test()
                progress.line(f"epoch {self.epoch}: loss {record['loss']:.3f}, test {in_words(record['test'])}")
            self.log.append(record)
            self._save("latest.pth", optimizer=self.optimizer.state_dict(), log=self.log, config=self.config, init=self.init)
            self.folder.write_log(self.log)
        progress.finish()
        self._save("checkpoint.pth")
        print(f"last epoch {self.epoch}: test {in_words(self.log[-1]['test'])}: this is checkpoint.pth")

    def _train_epoch(self, progress):
        started = time.monotonic()
        # Every epoch draws from a generator of its own: a resumed run needs no generator's state to repeat it.
        generator = torch.Generator().manual_seed(self.options["seed"] * 1_000_003 + self.epoch)
        order = torch.randperm(len(self.train_part), generator=generator)
        mirrored = torch.rand(len(order), generator=generator) < 0.5
        batches = order.split(self.options["batch_size"])
        sums, seen = {}, 0
        self.network.train()
        for number, indices in enumerate(batches):
            rate = learning_rate(self.options, self.epoch, self.epoch * len(batches) + number)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            drawn = [(self.train_part.scenes[index], bool(mirrored[index])) for index in indices.tolist()]
            losses = self.network.losses(*self.images.trained_on(drawn), generator)
            loss = sum(losses.values())
            if not torch.isfinite(loss):
                raise UserError(f"{self.folder.path}: the loss is no longer a number in epoch {self.epoch + 1}: lower lr")
            self.optimizer.zero_grad()
            loss.backward()
            if self.options["largest_gradient"]:
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options["largest_gradient"])
            self.optimizer.step()
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value.item() * len(indices)
            seen += len(indices)
            progress.show(self.epoch + seen / len(order), sum(sums.values()) / seen)
        return {
            "epoch": self.epoch + 1,
            "lr": rate,
            "loss": round(sum(sums.values()) / seen, 5),
            "losses": {name: round(value / seen, 5) for name, value in sums.items()},
            "seconds": round(time.monotonic() - started, 1),
        }

    def _test(self):
        alpha = self.config["networks"]["classifier"]["params"]["alpha"]
        measured = average_precision.Measurement(self.config, self.network, self.images, self.test_part, self.train_part.counts)
        return [measured.row("tde" if value else "none", value) for value in sorted({0.0, float(alpha)})]

    def _save(self, name, **more):
        contents = {"epoch": self.epoch, "state_dict": checkpoint.plain(self.network), **more}
        checkpoint.save(self.folder.path / name, contents)

    def resume(self):
        path = self.folder.path / "latest.pth"
        latest = checkpoint.load(path)
        if configuration.stripped(latest["config"], fields.FIELDS) != configuration.stripped(self.config, fields.FIELDS):
            raise UserError(f"{path}: was trained with another configuration: give {self.folder.path / 'config.yaml'}")
        if latest["init"] != self.init:
            raise UserError(f"{path}: started from other weights: give the same --init")
        average_precision.restore(path, self.network, latest)
        self.optimizer.load_state_dict(latest["optimizer"])
        self.epoch, self.log = latest["epoch"], latest["log"]


def learning_rate(options, epoch, step):
    """Of a step of an epoch: rising from a thousandth for `warm_steps`, then a factor at each of `lr_step`'s epochs."""
    schedule = options["scheduler_params"]
    rate = options["optim_params"]["lr"]
    if step < schedule["warm_steps"]:
        rate *= 0.001 + 0.999 * step / schedule["warm_steps"]
    for first in schedule["lr_step"]:
        if epoch >= first:
            rate *= schedule["lr_factor"]
    return rate


def in_words(rows):
    return ", ".join(f"AP50 {row['AP50']:.2f} at alpha {row['amount']:g}" for row in rows)


if __name__ == "__main__":
    configuration.run(main)
