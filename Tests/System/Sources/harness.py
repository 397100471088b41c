"""A run of the device program on a source, and who gives it its frames."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

PATIENCE = 30  # seconds for what should take a few


def fail(reason):
    sys.exit(f"sources: {reason}")


def say(what):
    print(f"sources: {what}", flush=True)


def expect(holds, what):
    if not holds:
        fail(what)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processes(mark):
    """Process numbers of the programs whose arguments have this text, zombies left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(mark.encode() in argument for argument in arguments):
            found.append((int(folder.name), os.path.basename(arguments[0]).decode()))
    return found


class Run:
    """`rarebit run MODEL --source SOURCE`; its records as they come."""

    program = model = None  # of all runs

    def __init__(self, source, *options):
        command = [self.program, "run", self.model, "--source", source, "--json", "--top", "1", *options]
        self.source, self.records, self.has_heard = source, [], threading.Condition()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = []
        self.readers = [threading.Thread(target=self.hear), threading.Thread(target=self.hear_errors)]
        for reader in self.readers:
            reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        for reader in self.readers:
            reader.join()

    def hear(self):
        for line in self.process.stdout:
            with self.has_heard:
                self.records.append(json.loads(line))
                self.has_heard.notify_all()

    def hear_errors(self):
        for line in self.process.stderr:
            self.lines.append(line.decode(errors="replace").rstrip())

    def answers(self):
        return [record for record in self.records if "event" not in record]

    def events(self, name, **members):
        return [record for record in self.records
                if record.get("event") == name and members.items() <= record.items()]

    def until(self, holds, what):
        with self.has_heard:
            if not self.has_heard.wait_for(holds, PATIENCE):
                fail(f"{self.source}: never so: {what}; {len(self.answers())} answers, the last records "
                     f"{self.records[-3:]}, said {self.lines[-5:]}")

    def until_answers(self, more):
        wanted = len(self.answers()) + more
        self.until(lambda: len(self.answers()) >= wanted, f"{more} more answers")

    def until_recovered(self, kind, times=1):
        """The fault was told, was over, and frames came after it."""
        self.until(lambda: len(self.events("recovered", kind=kind)) >= times, f"recovered {times} times from {kind}")
        self.until_answers(2)

    def ends(self, mark=None, how=signal.SIGTERM, seconds=5):
        """Ends it; within a few seconds, with status 0 and its summary, and nothing it started lives on."""
        start = time.monotonic()
        if how:
            self.process.send_signal(how)
        status = self.process.wait(PATIENCE)
        took = time.monotonic() - start
        for reader in self.readers:
            reader.join()
        expect(status == 0, f"{self.source}: it ended with {status}: {self.lines[-3:]}")
        expect(not how or took < seconds, f"{self.source}: it took {took:.1f} s to end")
        living = processes(mark) if mark else []
        expect(not living, f"{self.source}: {living} live on")
        summary = self.events("summary")[-1]
        summary["errors"] = {kind: count for kind, count in summary["errors"].items() if count}
        return summary

    def refused(self):
        """It ends by itself with status 1; what it says last."""
        status = self.process.wait(PATIENCE)
        for reader in self.readers:
            reader.join()
        expect(status == 1 and self.lines, f"{self.source}: it ended with {status}: {self.lines}")
        return self.lines[-1]


def checksums(source, *options):
    """What the model sees of each frame of a file."""
    with Run(source, *options) as run:
        run.ends(how=None)
        return [record["input_crc"] for record in run.answers()]
