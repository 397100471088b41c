"""Trains a long-tailed classifier: train.py CONFIG... --out DIR [--data SPEC] [--init FILE | --stage1 FILE] [--resume].

Of several configurations the later ones change the earlier ones. DIR gets the whole configuration, class names and counts,
log.jsonl (one line per epoch), latest.pth after every epoch and, at the end, checkpoint.pth. The last epoch's weights are
the result: no accuracy, test or other, chooses among epochs. Under torchrun all its processes train one run together.
"""

import argparse
import hashlib
import math
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import torch

import augmentation
import checkpoint
import config as configuration
import data
import machine
import models
import pretrained
from config import UserError
from evaluate import Model, features_of
from folder import RunFolder
from processes import Processes
from progress import Progress


def main():
    parser = argparse.ArgumentParser(description="Train a long-tailed classifier.")
    parser.add_argument("config", type=Path, nargs="+", help="YAML configuration; later ones change earlier ones")
    parser.add_argument("--out", type=Path, required=True, help="folder for this run's files; new, unless --resume")
    parser.add_argument("--data", help=f"{data.SPEC} (default: the configuration's dataset)")
    parser.add_argument("--init", type=Path, help="weights that the backbone starts from, under torchvision's or timm's names")
    parser.add_argument("--stage1", type=Path, help="checkpoint that a method with a fixed backbone starts from")
    parser.add_argument("--resume", action="store_true", help="go on after the last finished epoch in --out")
    machine.add_options(parser)
    arguments = parser.parse_args()
    machine.prepare(parser, arguments)
    config = configuration.load(*arguments.config)
    if config["networks"]["feat_model"]["fix"] != (arguments.stage1 is not None):
        raise UserError("--stage1 FILE belongs to methods whose backbone is fixed: give both or neither")
    if arguments.init is not None and arguments.stage1 is not None:
        raise UserError("--init and --stage1 both say what the backbone starts from: give one of them")
    processes = Processes(arguments.device)
    try:
        train(arguments, config, processes)
    except UserError:
        # One of them says it.
        if processes.is_first:
            raise
        sys.exit(1)
    processes.end()


def train(arguments, config, processes):
    parts = data.load(arguments.data, config)
    # What does not fit is refused before the folder is made.
    run = Run(config, parts, arguments, processes)
    with RunFolder(arguments.out, arguments.resume) if processes.is_first else nullcontext() as run.folder:
        if arguments.resume:
            run.resume()
        if processes.is_first:
            if not arguments.resume:
                run.folder.describe(config, parts)
            together = processes.count if processes.count > 1 else None
            run.folder.note_start(
                run.epoch, run.device, processes=together, init_sha256=run.init, stage1_sha256=run.stage1
            )
            for line in [*parts.notes, *run.notes]:
                print(line)
        run.train()


def learning_rate(options, epoch):
    """Of epoch 0, 1, ...: a linear warm-up that starts at a third, then a factor at each step, or a cosine down to 0."""
    schedule = options["scheduler_params"]
    rate = options["optim_params"]["lr"]
    if epoch < schedule["warm_epoch"]:
        progress = epoch / schedule["warm_epoch"]
        rate *= (1 - progress) / 3 + progress
    for step in schedule["lr_step"]:
        if epoch >= step:
            rate *= schedule["lr_factor"]
    if schedule["coslr"]:
        rate *= (1 + math.cos(math.pi * epoch / options["num_epochs"])) / 2
    return rate


class Run:
    """One training run: its networks, optimiser, moving average of features and log."""

    def __init__(self, config, parts, arguments, processes):
        """`arguments`: those of the command line, of which `out` is the run's folder."""
        self.config, self.options, self.parts = config, config["training_opt"], parts
        self.path, self.processes = arguments.out, processes
        self.device, self.init, self.stage1 = processes.device(arguments.device), None, None
        self.notes = []
        init, stage1 = arguments.init, arguments.stage1
        self.is_fixed = config["networks"]["feat_model"]["fix"]
        torch.manual_seed(self.options["seed"])
        self.feat_model, self.classifier = models.build(config)
        self.embed = torch.zeros(self.feat_model.feat_dim)
        if init is not None:
            self.notes.append(pretrained.start(init, self.feat_model))
            self.init = sha256(init)
        if stage1 is not None:
            with_classifier = config["networks"]["classifier"]["params"]["stage1_weights"]
            self.embed = checkpoint.load_stage1(stage1, self.feat_model, self.classifier, with_classifier)
            self.stage1 = sha256(stage1)
        self.feat_model.to(self.device, memory_format=torch.channels_last)
        self.classifier.to(self.device)
        self.embed = self.embed.to(self.device)
        self.loss = models.build_loss(config, self.classifier, parts.counts).to(self.device)
        self.features = self.feat_model if self.is_fixed else processes.wrapped(self.feat_model)
        trained = [] if self.is_fixed else [*self.feat_model.parameters()]
        trained += [parameter for parameter in self.classifier.parameters() if parameter.requires_grad]
        # Of an optimiser without parameters PyTorch wants nothing to do; the methods without epochs need none.
        self.optimizer = torch.optim.SGD(trained, **self.options["optim_params"]) if self.options["num_epochs"] else None
        self.epoch = 0
        self.log = []

    def train(self):
        epochs = self.options["num_epochs"]
        if epochs == 0 and not self.log and self.processes.is_first:
            self._fit()
        progress = Progress(epochs, self.epoch, is_shown=self.processes.is_first)
        while self.epoch < epochs:
            record = self._train_epoch(progress)
            self.epoch += 1
            if self.processes.is_first:
                every = self.options["evaluate_every"]
                if self.epoch == epochs or every and self.epoch % every == 0:
                    record["test"] = self._test()
                    progress.line(f"epoch {self.epoch}: loss {record['loss']:.3f}, test {in_words(record['test'])}")
                self._keep(record)
        progress.finish()
        if self.processes.is_first:
            self._finish()
        self.processes.wait()

    def _fit(self):
        """For the methods that do not train."""
        with torch.no_grad():
            self.classifier.fit(self._features(self.parts.train), self.parts.train.labels.to(self.device))
        self._keep({"epoch": 0, "test": self._test()})

    def _keep(self, record):
        self.log.append(record)
        self._save_latest()
        self.folder.write_log(self.log)

    def _finish(self):
        if self.config["class_means"]:
            means = {"mean": self.classifier.mean.cpu(), "means": self.classifier.means.cpu()}
            checkpoint.save(self.path / self.config["class_means"], means)
        final = {
            "epoch": self.epoch,
            "best_epoch": self.epoch,
            "state_dict_best": checkpoint.state(self.feat_model, self.classifier),
            "best_acc": self.log[-1]["test"][0]["all"] / 100,
            "embed": self.embed.cpu().numpy(),
        }
        checkpoint.save(self.path / "checkpoint.pth", final)
        tested = [record for record in self.log if "test" in record]
        best = max(tested, key=lambda record: record["test"][-1]["all"])
        print(f"last epoch {self.epoch}: test {in_words(self.log[-1]['test'])}: this is checkpoint.pth")
        print(f"best epoch {best['epoch']} of those tested: {in_words(best['test'])}: chosen by the test images, not kept")

    def _train_epoch(self, progress):
        started = time.monotonic()
        rate = learning_rate(self.options, self.epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        mu = self.options["mu"] if self.options["mu"] is not None else 1 - 0.1 * min(50 * rate, 1)
        self.loss.begin(self.epoch)
        # Every epoch draws from a generator of its own: a resumed run needs no generator's state to repeat it.
        generator = torch.Generator().manual_seed(self.options["seed"] * 1_000_003 + self.epoch)
        order = self._order(generator)
        total_loss, right, seen = 0.0, 0, 0
        self.feat_model.train(not self.is_fixed)
        for indices in order.split(self.options["batch_size"]):
            # Batch normalisation has no statistics of a single image whose last feature maps are single pixels, and every
            # process needs one.
            if len(indices) < max(2, self.processes.count) and seen > 0:
                continue
            images, others, own = self._prepared(indices, generator)
            labels = self.parts.train.labels[indices].to(self.device)
            features = self._training_features(images, len(indices), mu)
            logits = self.classifier.by_head(features) if self.loss.IS_OF_EXPERTS else self.classifier(features)
            loss = self.loss(logits, labels)
            if others is not None:
                loss = own * loss + (1 - own) * self.loss(logits, labels[others.to(self.device)])
            if self.loss.IS_OF_EXPERTS:
                logits = logits.mean(dim=0)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            if not torch.isfinite(loss):
                raise UserError(f"{self.path}: the loss is no longer a number in epoch {self.epoch + 1}: lower lr")
            total_loss += loss.item() * len(indices)
            right += (logits.argmax(dim=1) == labels).sum().item()
            seen += len(indices)
            progress.show(self.epoch + seen / len(order), total_loss / seen)
        return {
            "epoch": self.epoch + 1,
            "lr": rate,
            "loss": round(total_loss / seen, 5),
            "train_accuracy": round(right / seen, 5),
            "seconds": round(time.monotonic() - started, 1),
        }

    def _order(self, generator):
        """The indices of an epoch's images."""
        labels, count = self.parts.train.labels, len(self.parts.train)
        if self.options["sampler"] is None:
            return torch.randperm(count, generator=generator)
        # Every class alike: an image's chance is the smaller the more images its class has.
        chances = 1 / torch.tensor(self.parts.counts).double()[labels]
        return torch.multinomial(chances, count, replacement=True, generator=generator)

    def _prepared(self, indices, generator):
        """This process's share of a batch's images, as the network wants them; which of the batch are blended into which, and how
        much of its own an image keeps."""
        count, places = len(indices), self.processes.share(len(indices))
        others, own = None, 1.0
        if self.options["mixup"]:
            others, own = augmentation.partners(self.options["mixup"], count, generator)
        needed, where = torch.unique(places if others is None else torch.cat([places, others[places]]), return_inverse=True)
        pixels = self.parts.train.pick(indices[needed]).pixels
        pixels = augmentation.augment(pixels, self.options, augmentation.Draws(generator, count, needed))
        images = data.normalise(pixels, self.config, self.device)
        if others is not None:
            where = where.to(self.device)
            images = own * images[where[: len(places)]] + (1 - own) * images[where[len(places) :]]
        return images, others, own

    def _training_features(self, images, count, mu):
        """Of all `count` images of the batch, of which `images` are this process's."""
        is_half = self.options["precision"] == "bfloat16"
        with torch.set_grad_enabled(not self.is_fixed), torch.autocast(self.device.type, torch.bfloat16, enabled=is_half):
            features = self.features(images)
        features = self.processes.joined(features.float(), count)
        if not self.is_fixed:
            self.embed = mu * self.embed + features.detach().mean(dim=0)
        return features

    def _features(self, images):
        return features_of(self.feat_model, images, self.config)

    def _test(self):
        alpha = self.config["networks"]["classifier"]["params"]["alpha"]
        model = Model(self.config, self.feat_model, self.classifier, self.embed, self.parts.counts)
        rows = model.table(self.parts.test, sorted({0.0, float(alpha)}))
        return [{name: value for name, value in row.items() if name != "classes"} for row in rows]

    def _save_latest(self):
        latest = {
            "epoch": self.epoch,
            "state_dict": checkpoint.state(self.feat_model, self.classifier),
            "embed": self.embed.cpu().numpy(),
            "optimizer": self.optimizer.state_dict() if self.optimizer else None,
            "log": self.log,
            "config": self.config,
            "counts": self.parts.counts,
            "init": self.init,
            "stage1": self.stage1,
        }
        checkpoint.save(self.path / "latest.pth", latest)

    def resume(self):
        path = self.path / "latest.pth"
        latest = checkpoint.load(path)
        if configuration.stripped(latest["config"]) != configuration.stripped(self.config):
            raise UserError(f"{path}: was trained with another configuration: give {self.path / 'config.yaml'}")
        if latest["counts"] != self.parts.counts:
            raise UserError(f"{path}: was trained with other data, whose classes had other counts: give the same --data")
        # Runs that are older than the option have started from nothing.
        if latest.get("init") != self.init:
            raise UserError(f"{path}: started from other weights: give the same --init")
        if latest["stage1"] != self.stage1:
            raise UserError(f"{path}: started from another checkpoint: give the same --stage1")
        checkpoint.restore(self.feat_model, self.classifier, latest["state_dict"])
        if self.optimizer:
            self.optimizer.load_state_dict(latest["optimizer"])
        self.embed = torch.from_numpy(latest["embed"]).to(self.device)
        self.epoch, self.log = latest["epoch"], latest["log"]


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def in_words(rows):
    return ", ".join(f"{row['all']:.2f} at alpha {row['alpha']:g}" for row in rows)


if __name__ == "__main__":
    configuration.run(main)
