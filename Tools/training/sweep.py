"""Trains many runs, some side by side: sweep.py SWEEP... --data SPEC [--data SPEC] --out RUNS [--jobs N] [--publish].

A SWEEP is a YAML file that gives each run's name and its configurations, first things first. RUNS/NAME becomes the run's folder,
RUNS/NAME.txt what it said. The same command goes on wherever it was stopped, however it was stopped: finished runs are
passed over, those that another process trains are waited for, the rest resume. With --publish each finished run becomes a
folder of Tools/models, with its checkpoint's hash alone, and the tables of docs/results.md are written anew. --status says how
far everything is, and ends.
"""

import argparse
import fcntl
import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

import config as configuration
import data
import results
from config import UserError
from folder import RunFolder
from progress import clock

HERE = Path(__file__).resolve().parent
# Between two looks at the runs, seconds: nothing here is in a hurry beside an epoch.
LOOK = 0.5
# The last epochs, whose mean length says how long the next ones take.
RECENT = 5


def main():
    parser = argparse.ArgumentParser(description="Train many runs, resume them, publish them, and write the tables of results.")
    parser.add_argument("sweep", type=Path, nargs="+", help="YAML file of runs, like configs/sweeps/cifar.yaml")
    parser.add_argument("--data", action="append", default=[], help=f"once for each kind of data: {data.SPEC}")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs' folders")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side (default: 1)")
    parser.add_argument("--threads", type=int, default=1, help="processor threads of each run (default: 1)")
    parser.add_argument("--publish", action="store_true", help="put finished runs into --models, and write --results from them")
    parser.add_argument("--models", type=Path, default=results.ROOT / "Tools/models", help="folder of published models")
    parser.add_argument("--results", type=Path, default=results.ROOT / "docs/results.md", help="the file with the tables")
    parser.add_argument("--status", action="store_true", help="say how far each run is, and end")
    arguments = parser.parse_args()
    if arguments.jobs < 1 or arguments.threads < 1:
        parser.error("--jobs and --threads must be at least 1")
    runs = [run for path in arguments.sweep for run in read_sweep(path, arguments)]
    names = [run.name for run in runs]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"two runs are named {name}: rename one")
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.status:
        show_status(runs)
        return
    descriptor = os.open(arguments.out, os.O_RDONLY)
    if not is_locked_by(descriptor):
        raise UserError(f"{arguments.out}: another sweep works there: wait for it, or name another folder")
    Sweep(runs, arguments).work()


def is_locked_by(descriptor):
    """Whether the folder could be locked for this process, until it ends."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_sweep(path, arguments):
    """Its runs, in order. Configurations are named from the parent of the sweep's folder."""
    try:
        named = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise UserError(f"{path}: cannot be read as YAML: name a file of runs") from None
    fits = isinstance(named, dict) and all(
        isinstance(name, str) and name and not {"/", "."} & {*name} and isinstance(files, list) and files
        for name, files in named.items()
    )
    if not fits:
        raise UserError(f"{path}: must hold runs, like NAME: [cifar10-lt.yaml, imbalance-50.yaml]")
    specs = {spec.partition(":")[0]: spec for spec in arguments.data}
    runs = []
    for name, files in named.items():
        paths = [path.parent.parent / str(file) for file in files]
        config = configuration.load(*paths)
        kind = config["training_opt"]["dataset"].partition(":")[0]
        if kind not in specs:
            raise UserError(f"{path}: {name} needs the pictures of {kind}: give --data {kind}:DIR")
        runs.append(Run(name, paths, specs[kind], config["training_opt"]["num_epochs"], arguments.out / name))
    return runs


@dataclass
class Run:
    name: str
    configs: list[Path]
    data: str
    epochs: int
    folder: Path

    @property
    def log(self):
        try:
            return [json.loads(line) for line in (self.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
        except (OSError, ValueError):
            # Not begun, or just being written.
            return []

    @property
    def is_finished(self):
        return (self.folder / "checkpoint.pth").is_file()

    @property
    def is_busy(self):
        """Whether a process trains it: train.py locks its folder."""
        try:
            descriptor = os.open(self.folder, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            return not is_locked_by(descriptor)
        finally:
            os.close(descriptor)

    def seconds_left(self, typical):
        """`typical`: an epoch's seconds where this run has trained none yet; None where nobody knows."""
        log = self.log
        epoch = mean([record["seconds"] for record in log[-RECENT:] if "seconds" in record]) or typical
        return None if epoch is None else epoch * (self.epochs - len(log))

    def command(self, threads):
        is_begun = (self.folder / "latest.pth").is_file()
        options = ["--data", self.data, "--out", self.folder, "--threads", threads, *(["--resume"] if is_begun else [])]
        return [sys.executable, HERE / "train.py", *self.configs, *options]

    def repeat(self):
        """How to train it again, without a place of this machine."""
        # Of files from elsewhere the name alone.
        named = [path.relative_to(HERE) if path.is_relative_to(HERE) else path.name for path in map(Path.resolve, self.configs)]
        kind = self.data.partition(":")[0]
        return shlex.join(["train.py", *map(str, named), "--data", f"{kind}:DIR" if ":" in self.data else kind, "--out", "RUN"])


class Sweep:
    def __init__(self, runs, arguments):
        self.runs, self.arguments = runs, arguments
        self.failed = {}
        self.started = {}
        self.finished = {run.name for run in runs if run.is_finished}
        self.bar = sys.stderr.isatty()

    def work(self):
        self._publish()
        while True:
            self._note_ends()
            waiting = [run for run in self.runs if run.name not in self.finished and run.name not in self.failed]
            if not waiting:
                break
            busy = [run for run in waiting if run.name in self.started or run.is_busy]
            for run in waiting:
                if len(busy) >= self.arguments.jobs:
                    break
                if run not in busy:
                    self._start(run)
                    busy.append(run)
            self._show(busy, waiting)
            time.sleep(LOOK)
        self._clear()
        if self.failed:
            count = f"{len(self.failed)} of {len(self.runs)} runs failed"
            raise UserError(f"{count}, and are tried again next time: {', '.join(self.failed)}")
        print(f"all {len(self.runs)} runs are finished")

    def _start(self, run):
        if not (run.folder / "latest.pth").is_file():
            # Killed before its first epoch ended: there is nothing to resume.
            RunFolder.clear(run.folder)
        with open(self._said(run), "ab") as said:
            command = [str(part) for part in run.command(self.arguments.threads)]
            self.started[run.name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        self._line(f"{run.name}: trains from epoch {len(run.log) + 1} of {run.epochs}")

    def _note_ends(self):
        for run in self.runs:
            process = self.started.get(run.name)
            has_ended = process is not None and process.poll() is not None
            if has_ended:
                del self.started[run.name]
            # Whoever trained it.
            if run.is_finished and run.name not in self.started and run.name not in self.finished:
                self.finished.add(run.name)
                self._line(f"{run.name}: finished, {self._figures(run)}")
                self._publish()
            elif has_ended:
                lines = self._said(run).read_text(encoding="utf-8", errors="replace").splitlines()
                self.failed[run.name] = process.returncode
                self._line(f"{run.name}: failed: {lines[-1] if lines else f'exit code {process.returncode}'}")

    def _publish(self):
        """Also those that were finished by an earlier sweep, which was killed before it could publish them."""
        if not self.arguments.publish:
            return
        for run in self.runs:
            to = self.arguments.models / run.name
            if not run.is_finished or to.exists():
                continue
            given = ["--data", run.data, "--to", to, "--command", run.repeat(), "--hash-only", "--threads", self.arguments.threads]
            command = [str(part) for part in (sys.executable, HERE / "publish.py", run.folder, *given)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            problem = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
            self._line(f"{run.name}: published" if done.returncode == 0 else f"{run.name}: not published: {problem}")
        if not results.update(self.arguments.models, self.arguments.results):
            self._line(f"{self.arguments.results}: its tables are written anew")

    def _said(self, run):
        return self.arguments.out / f"{run.name}.txt"

    def _figures(self, run):
        rows = next(record["test"] for record in reversed(run.log) if "test" in record)
        return ", ".join(f"{row['all']:.2f} at alpha {row['alpha']:g}" for row in rows)

    def _show(self, busy, waiting):
        if not self.bar:
            return
        parts = [f"{run.name} {len(run.log)}/{run.epochs}" for run in busy]
        done = len(self.runs) - len(waiting)
        sys.stderr.write(f"\r\033[K{done} of {len(self.runs)} runs; {', '.join(parts)}; {time_left(waiting, self.arguments.jobs)}")
        sys.stderr.flush()

    def _clear(self):
        if self.bar:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def _line(self, text):
        self._clear()
        print(text, flush=True)


def time_left(runs, jobs):
    """Of runs that are trained so many at a time."""
    known = [record["seconds"] for run in runs for record in run.log[-RECENT:] if "seconds" in record]
    left = [run.seconds_left(mean(known)) for run in runs]
    if None in left:
        return "time left unknown"
    # The work is shared out, but a run is never split.
    return f"{clock(max(sum(left) / jobs, max(left, default=0)))} left"


def mean(numbers):
    return sum(numbers) / len(numbers) if numbers else None


def show_status(runs):
    for run in runs:
        log = run.log
        state = "finished" if run.is_finished else "trains" if run.is_busy else "waits"
        left = run.seconds_left(None)
        rest = "" if run.is_finished or left is None else f", {clock(left)} left"
        print(f"{run.name}: {state}, epoch {len(log)} of {run.epochs}{rest}")


if __name__ == "__main__":
    configuration.run(main)
