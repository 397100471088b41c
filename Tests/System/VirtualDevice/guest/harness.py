"""What the checks on the virtual device share: the program under test, and how a check is told and judged."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback

# Within this time of its cause's end a fault is recovered from, seconds.
RECOVERY = 2.0
# Within this time the program ends when asked to, seconds.
ENDING = 1.0
# By this clock the machine is idle most of the time; what takes longer than this has gone wrong.
PATIENCE = 20.0

CHECKS = []


class Failure(Exception):
    """Why a check failed."""


def check(covers):
    """Marks a function as a check; `covers` says in words which faults it injects. What it returns is printed."""

    def mark(function):
        CHECKS.append((function, covers))
        return function

    return mark


def expect(condition, what):
    if not condition:
        raise Failure(what() if callable(what) else what)


def run_checks(names):
    """Runs the checks that are named, or all; the number of those that failed."""
    failed = 0
    for function, covers in CHECKS:
        if names and function.__name__ not in names:
            continue
        start = time.monotonic()
        try:
            result, mark = function(), "ok    "
        except Failure as failure:
            result, mark = failure, "FAILED"
        except Exception:
            result, mark = traceback.format_exc(), "FAILED"
        failed += mark == "FAILED"
        seconds = time.monotonic() - start
        print(f"{mark} {function.__name__.replace('_', ' ')} [{covers}]: {result} ({seconds:.1f} s)", flush=True)
    return failed


def wait_until(condition, seconds, what):
    """What `condition` returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        expect(time.monotonic() < deadline, lambda: f"{what() if callable(what) else what} in {seconds} s")
        time.sleep(0.005)
    return result


def classified(files):
    """What classify says of the contents of picture files."""
    names = []
    for number, contents in enumerate(files):
        names.append(f"/tmp/picture{number}")  # the contents tell what kind it is
        with open(names[-1], "wb") as file:
            file.write(contents)
    output = subprocess.run(["rarebit", "classify", "model.rbit", "--json", *names], check=True, capture_output=True)
    return [json.loads(line) for line in output.stdout.splitlines()]


class Rarebit:
    """`rarebit run` with --json, its records as they come."""

    def __init__(self, *options, model="model.rbit", **popen):
        self.records, self.errors = [], []
        self.changed = threading.Condition()
        popen.setdefault("stdout", subprocess.PIPE)
        self.process = subprocess.Popen(
            ["rarebit", "run", model, "--json", *options], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **popen)
        self.readers = [threading.Thread(target=self.read_errors)]
        if popen["stdout"] == subprocess.PIPE:
            self.readers.append(threading.Thread(target=self.read_records))
        for reader in self.readers:
            reader.daemon = True
            reader.start()

    def read_records(self):
        for line in self.process.stdout:
            record = json.loads(line)
            record["arrived"] = time.monotonic()
            with self.changed:
                self.records.append(record)
                self.changed.notify_all()

    def read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line.decode().rstrip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def wait(self, matches, seconds=PATIENCE, what="no such record"):
        """The first record, old or to come, that matches."""
        deadline = time.monotonic() + seconds
        position = 0
        with self.changed:
            while True:
                for record in self.records[position:]:
                    if matches(record):
                        return record
                position = len(self.records)
                left = deadline - time.monotonic()
                is_over = self.process.poll() is not None and not self.readers[-1].is_alive()
                if left <= 0 or is_over:
                    raise Failure(f"{what} within {seconds} s; {self.state()}")
                self.changed.wait(min(left, 0.1))

    def state(self):
        """What it said last, for a failure's message."""
        code = self.process.poll()
        running = "running" if code is None else f"ended with {code}"
        last = [{k: v for k, v in r.items() if k not in ("top", "arrived")} for r in self.records[-3:]]
        return f"it is {running}, last records {last}, errors {self.errors[-3:]}"

    def answer(self, since=0.0, seconds=PATIENCE, matches=lambda record: True):
        """The first answer to a frame that was taken after a time, seconds of this machine's clock."""
        return self.wait(
            lambda r: "frame" in r and "event" not in r and r["timestamp_ns"] > since * 1e9 and matches(r), seconds, "no answer")

    def event(self, name, seconds=PATIENCE, since=0.0, **fields):
        """The first such event after a time."""
        return self.wait(
            lambda r: r.get("event") == name and r["arrived"] >= since and fields.items() <= r.items(),
            seconds, f"no event {name} {fields}")

    def answers(self):
        with self.changed:
            return [record for record in self.records if "frame" in record and "event" not in record]

    def events(self, name):
        with self.changed:
            return [record for record in self.records if record.get("event") == name]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident(self):
        """Kilobytes of memory that are its own: not those of the program file, which come as its code is first used."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("RssAnon:"))

    def wait_for_end(self, seconds):
        """Its exit code, and after how many seconds it ended."""
        start = time.monotonic()
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"it did not end within {seconds} s; {self.state()}") from None
        ended = time.monotonic() - start
        for reader in self.readers:
            reader.join(PATIENCE)
        return code, ended

    def end(self, signal_number=signal.SIGTERM):
        """Asks it to end; it must do so in time and with success. Its last record, the summary, is returned."""
        self.process.send_signal(signal_number)
        code, _ = self.wait_for_end(ENDING)
        expect(code == 0, lambda: f"exit code {code} after a signal; {self.state()}")
        if self.process.stdout is None:
            return None
        expect(self.records and self.records[-1].get("event") == "summary", lambda: f"no summary; {self.state()}")
        self.expect_progress()
        return self.records[-1]

    def expect_progress(self):
        """No frame is answered twice, none after a newer one."""
        times = [record["timestamp_ns"] for record in self.answers()]
        expect(all(a < b for a, b in zip(times, times[1:])), "time stamps of answers do not progress")


def expect_counts(summary, recoveries=None, exact=True, **expected):
    """The summary counts these faults; where exact, no others but dropped frames, which a slow machine has anyway."""
    errors = {kind: count for kind, count in summary["errors"].items() if count and kind != "dropped_frames"}
    if exact:
        expect(errors == expected, f"counted {errors}, not {expected}")
    else:
        missing = [kind for kind, count in expected.items() if errors.get(kind, 0) < count]
        expect(not missing, f"counted {errors}, not at least {expected}")
    expect(recoveries in (None, summary["recoveries"]), f"{summary['recoveries']} recoveries, not {recoveries}")


def metrics(port):
    """The numbers that the program tells over HTTP, by name and labels."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        head, _, text = connection.makefile("rb").read().decode().partition("\r\n\r\n")
    expect(" 200 " in head.split("\r\n")[0], f"metrics answer {head}")
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found[name] = float(value)
    return found


def main():
    failed = run_checks(sys.argv[1:])
    print(f"{failed} checks failed" if failed else "all checks passed", flush=True)
    sys.exit(failed > 0)
