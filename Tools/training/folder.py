"""A run's folder: who may write in it, and what stands there beside the checkpoints."""

import fcntl
import json
import os
import shlex
import sys

import numpy as np
import torch

import config as configuration
from config import UserError


class RunFolder:
    """Locked while it is entered, or until the process ends. Must be new or empty, unless a run goes on in it."""

    def __init__(self, path, resume):
        self.path, self.resume = path, resume

    def __enter__(self):
        if self.resume and not (self.path / "latest.pth").is_file():
            raise UserError(f"{self.path}: holds no run to go on with: leave --resume out, or name another folder")
        self.path.mkdir(parents=True, exist_ok=True)
        # A descriptor of the folder itself: nothing stays behind that would look like a run's file.
        self._descriptor = os.open(self.path, os.O_RDONLY)
        try:
            self._check()
        except UserError:
            os.close(self._descriptor)
            raise
        return self

    def __exit__(self, *_):
        os.close(self._descriptor)

    def _check(self):
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{self.path}: another run is writing there: wait for it, or name another folder") from None
        if not self.resume and any(self.path.iterdir()):
            raise UserError(f"{self.path}: is not empty: name a new folder, or continue its run with --resume")

    @classmethod
    def clear(cls, path):
        """Removes what a run writes before its first epoch has ended, and nothing else."""
        for name in ("config.yaml", "class-names.txt", "class-counts.txt", "starts.jsonl", "latest.pth.part"):
            (path / name).unlink(missing_ok=True)

    def describe(self, config, parts, fields=configuration.FIELDS):
        """What rarebit-convert is given beside the checkpoint."""
        configuration.write(self.path / "config.yaml", config, fields)
        self._write_lines("class-names.txt", parts.names)
        self._write_lines("class-counts.txt", parts.counts)

    def note_start(self, epoch, device, **more):
        """Adds a line to starts.jsonl: with what the epochs from here on are trained. Of `more`, what is None is left out."""
        record = {
            "after_epoch": epoch,
            "command": shlex.join([os.path.basename(sys.argv[0]), *sys.argv[1:]]),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
            "threads": torch.get_num_threads(),
        }
        record |= {name: value for name, value in more.items() if value is not None}
        with open(self.path / "starts.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def write_log(self, records):
        # Written whole from the checkpoint's own records, so that log and checkpoint cannot tell different stories.
        self._write_lines("log.jsonl", [json.dumps(record) for record in records])

    def _write_lines(self, name, lines):
        (self.path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
