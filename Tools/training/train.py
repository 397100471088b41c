"""Trains a long-tailed classifier: train.py CONFIG --out DIR [--data SPEC] [--resume] [--threads N].

DIR gets the configuration, class names and counts, log.jsonl (one line per epoch), latest.pth after every epoch and, at
the end, checkpoint.pth. The last epoch's weights are the result: no accuracy, test or other, chooses among epochs.
"""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

import torch
from torch.nn import functional as F

import checkpoint
import config as configuration
import data
import models
from config import UserError
from evaluate import class_accuracies, features_of


def main():
    parser = argparse.ArgumentParser(description="Train a long-tailed classifier.")
    parser.add_argument("config", type=Path, help="YAML configuration")
    parser.add_argument("--out", type=Path, required=True, help="folder for this run's files; new, unless --resume")
    parser.add_argument("--data", help="fashion-mnist or fashion-mnist:DIR (default: the configuration's dataset)")
    parser.add_argument("--resume", action="store_true", help="go on after the last finished epoch in --out")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="processor threads")
    arguments = parser.parse_args()
    if arguments.threads < 1:
        parser.error("--threads must be at least 1")

    torch.set_num_threads(arguments.threads)
    torch.use_deterministic_algorithms(True)
    config = configuration.load(arguments.config)
    parts = data.load(arguments.data or config["training_opt"]["dataset"], config)
    run = Run(config, parts, arguments.out)
    if arguments.resume:
        run.resume()
    else:
        prepare_folder(arguments.out, arguments.config, parts)
    run.train()


def prepare_folder(folder, config_path, parts):
    """Makes a run's folder. One that holds anything is refused, so that no run overwrites another's files."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UserError(f"{folder}: is not empty: name a new folder, or continue its run with --resume")
    shutil.copyfile(config_path, folder / "config.yaml")
    (folder / "class-names.txt").write_text("".join(f"{name}\n" for name in parts.names), encoding="utf-8")
    (folder / "class-counts.txt").write_text("".join(f"{count}\n" for count in parts.counts), encoding="utf-8")


def learning_rate(options, epoch):
    """Of epoch 0, 1, ...: a linear warm-up that starts at a third, then a factor at each step."""
    schedule = options["scheduler_params"]
    rate = options["optim_params"]["lr"]
    if epoch < schedule["warm_epoch"]:
        progress = epoch / schedule["warm_epoch"]
        rate *= (1 - progress) / 3 + progress
    for step in schedule["lr_step"]:
        if epoch >= step:
            rate *= schedule["lr_factor"]
    return rate


class Run:
    """One training run: its networks, optimiser, moving average of features and log."""

    def __init__(self, config, parts, folder):
        self.config, self.options, self.parts, self.folder = config, config["training_opt"], parts, folder
        torch.manual_seed(self.options["seed"])
        self.feat_model, self.classifier = models.build(config)
        self.feat_model.to(memory_format=torch.channels_last)
        parameters = [*self.feat_model.parameters(), *self.classifier.parameters()]
        self.optimizer = torch.optim.SGD(parameters, **self.options["optim_params"])
        self.embed = torch.zeros(self.feat_model.feat_dim)
        self.epoch = 0
        self.log = []

    def train(self):
        progress = Progress(self.options["num_epochs"], self.epoch)
        while self.epoch < self.options["num_epochs"]:
            record = self._train_epoch(progress)
            self.epoch += 1
            self.log.append(record)
            self._save_latest()
            self._write_log()
        progress.finish()
        held_out = self.parts.held_out
        features = features_of(self.feat_model, held_out, self.config)
        final = {
            "epoch": self.epoch,
            "best_epoch": self.epoch,
            "state_dict_best": checkpoint.state(self.feat_model, self.classifier),
            # Mean class accuracy with TDE off, on held-out training images: the test set stays unseen.
            "best_acc": class_accuracies(self.classifier(features), held_out.labels).mean().item(),
            "embed": self.embed.numpy(),
        }
        checkpoint.save(self.folder / "checkpoint.pth", final)

    def _train_epoch(self, progress):
        started = time.monotonic()
        rate = learning_rate(self.options, self.epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        # Every epoch draws from a generator of its own: a resumed run needs no generator's state to repeat it.
        generator = torch.Generator().manual_seed(self.options["seed"] * 1_000_003 + self.epoch)
        order = torch.randperm(len(self.parts.train), generator=generator)
        total_loss, right, seen = 0.0, 0, 0
        self.feat_model.train()
        for indices in order.split(self.options["batch_size"]):
            batch = self.parts.train.pick(indices)
            images = data.normalise(data.augment(batch.pixels, generator), self.config)
            features = self.feat_model(images)
            self.embed = self.options["mu"] * self.embed + features.detach().mean(dim=0)
            logits = self.classifier(features)
            loss = F.cross_entropy(logits, batch.labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            if not torch.isfinite(loss):
                raise UserError(f"{self.folder}: the loss is no longer a number in epoch {self.epoch + 1}: lower lr")
            total_loss += loss.item() * len(batch)
            right += (logits.argmax(dim=1) == batch.labels).sum().item()
            seen += len(batch)
            progress.show(self.epoch + seen / len(order), total_loss / seen)
        return {
            "epoch": self.epoch + 1,
            "lr": rate,
            "loss": round(total_loss / seen, 5),
            "train_accuracy": round(right / seen, 5),
            "seconds": round(time.monotonic() - started, 1),
        }

    def _save_latest(self):
        latest = {
            "epoch": self.epoch,
            "state_dict": checkpoint.state(self.feat_model, self.classifier),
            "embed": self.embed.numpy(),
            "optimizer": self.optimizer.state_dict(),
            "log": self.log,
            "config": self.config,
        }
        checkpoint.save(self.folder / "latest.pth", latest)

    def _write_log(self):
        # Written whole from the checkpoint's own records, so that log and checkpoint cannot tell different stories.
        lines = "".join(json.dumps(record) + "\n" for record in self.log)
        (self.folder / "log.jsonl").write_text(lines, encoding="utf-8")

    def resume(self):
        path = self.folder / "latest.pth"
        latest = checkpoint.load(path)
        if latest.get("config") != self.config:
            raise UserError(f"{path}: was trained with another configuration: give {self.folder / 'config.yaml'}")
        checkpoint.restore(self.feat_model, self.classifier, latest["state_dict"])
        self.optimizer.load_state_dict(latest["optimizer"])
        self.embed = torch.from_numpy(latest["embed"])
        self.epoch, self.log = latest["epoch"], latest["log"]


class Progress:
    """A bar with the time left, on a terminal only."""

    WIDTH = 30

    def __init__(self, epochs, done):
        self.epochs, self.first, self.started = epochs, done, time.monotonic()
        self.on = sys.stderr.isatty()

    def show(self, done, loss):
        if not self.on:
            return
        filled = int(self.WIDTH * done / self.epochs)
        left = int((time.monotonic() - self.started) * (self.epochs - done) / (done - self.first))
        clock = f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02}"
        bar = "#" * filled + "." * (self.WIDTH - filled)
        sys.stderr.write(f"\r[{bar}] epoch {done:.1f} of {self.epochs}  loss {loss:.3f}  {clock} left ")
        sys.stderr.flush()

    def finish(self):
        if self.on:
            sys.stderr.write("\n")


if __name__ == "__main__":
    configuration.run(main)
