"""Faults of those who take the answers: full, gone, or without room."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import threading
import time

import recording
from faults import CAMERA, FRAMES, Scene
from harness import ENDING, PATIENCE, RECOVERY, check, expect, expect_counts, wait_until

SET_PIPE_SIZE = 1031


@check("a full pipe")
def full_pipe():
    taking, giving = os.pipe()
    fcntl.fcntl(giving, SET_PIPE_SIZE, 4096)
    with Scene(stdout=giving) as scene:
        os.close(giving)
        time.sleep(4)  # nobody reads: some ten records fit, the rest is dropped
        parts = []
        reader = threading.Thread(target=lambda: parts.extend(iter(lambda: os.read(taking, 1 << 16), b"")))
        reader.start()
        time.sleep(1)
        scene.rarebit.process.send_signal(signal.SIGTERM)
        code, _ = scene.rarebit.wait_for_end(ENDING)
        reader.join(PATIENCE)
        os.close(taking)
        text = b"".join(parts)
        expect(code == 0, f"exit code {code}")
        records = [json.loads(line) for line in text.splitlines()]
        frames = [record["frame"] for record in records if "frame" in record]
        lost = sum(b - a - 1 for a, b in zip(frames, frames[1:]))
        summary = records[-1]
        expect(summary.get("event") == "summary", f"the last record is {summary}")
        expect(lost > 20, f"only {lost} records are missing")
        expect(summary["errors"]["output_full"] >= lost, f"{lost} records are missing, counted {summary['errors']}")
        return f"{len(frames)} whole records, {lost} dropped and counted"


@check("a reader of standard output that goes away")
def gone_reader():
    taking, giving = os.pipe()
    with Scene(stdout=giving) as scene:
        os.close(giving)
        os.read(taking, 100)
        os.close(taking)
        code, seconds = scene.rarebit.wait_for_end(ENDING)
        expect(code == 0, f"exit code {code}, {scene.rarebit.errors}")
        return f"ended after {1000 * seconds:.0f} ms"


@check("a reader of a socket that goes away, and another that comes")
def gone_listener():
    path = "/tmp/answers"
    with Scene("--output", f"unix:{path}", stdout=subprocess.DEVNULL) as scene:
        wait_until(lambda: os.path.exists(path), PATIENCE, "no socket")
        for _ in range(2):
            listener = socket.socket(socket.AF_UNIX)
            listener.settimeout(PATIENCE)
            listener.connect(path)
            line = listener.makefile("rb").readline()
            expect("frame" in json.loads(line), f"it heard {line}")
            listener.close()
            time.sleep(0.3)
        last = socket.socket(socket.AF_UNIX)
        last.settimeout(PATIENCE)
        last.connect(path)
        lines = last.makefile("rb")
        lines.readline()
        scene.rarebit.process.send_signal(signal.SIGTERM)
        code, _ = scene.rarebit.wait_for_end(ENDING)
        records = [json.loads(line) for line in lines.read().splitlines()]
        expect(code == 0, f"exit code {code}")
        expect_counts(records[-1], output_gone=2)
        return "2 of 2 counted"


@contextlib.contextmanager
def small_disk(megabytes, spare):
    """A disk with room for so many bytes, `spare`, beside a file that can be removed; its folder and that file."""
    folder = "/disk"
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", folder], check=True)
    try:
        ballast = f"{folder}/ballast"
        with open(ballast, "wb") as file:
            file.write(bytes((megabytes << 20) - spare))
        yield folder, ballast
    finally:
        subprocess.run(["umount", folder], check=True)


def grows_again(path, ballast):
    """Makes room on the disk; after how long the file grew, milliseconds."""
    before = os.path.getsize(path)
    os.remove(ballast)
    since = time.monotonic()
    wait_until(lambda: os.path.getsize(path) > before, RECOVERY, f"{path} did not grow")
    return round(1000 * (time.monotonic() - since))


@check("a full disk under --record, and room on it again")
def full_disk():
    with small_disk(6, spare=3 << 20) as (folder, ballast):
        path = f"{folder}/frames"
        with Scene("--record", path) as scene:
            scene.rarebit.event("fault", 3, kind="record_failed")
            scene.sees(0, time.monotonic() + 0.5)
            after = grows_again(path, ballast)
            expect_counts(scene.rarebit.end(), exact=False, record_failed=1)
        _, frames = recording.read(path)
        whole = sum(frame == FRAMES[0] for frame in frames)
        expect(whole >= 4, f"{whole} whole frames were recorded on {CAMERA}")
        return f"{whole} frames recorded, answers went on; recorded again after {after} ms"


@check("a full disk under --output, and room on it again")
def full_output_disk():
    with small_disk(1, spare=16 << 10) as (folder, ballast):
        path = f"{folder}/answers"
        with Scene("--output", f"file:{path}", stdout=subprocess.DEVNULL) as scene:
            wait_until(lambda: any("output_full" in line for line in scene.rarebit.errors), PATIENCE, "no fault was told")
            time.sleep(1)  # more are lost, which is told once
            after = grows_again(path, ballast)
            time.sleep(0.5)
            scene.rarebit.process.send_signal(signal.SIGTERM)
            code, _ = scene.rarebit.wait_for_end(ENDING)
            expect(code == 0, f"exit code {code}, {scene.rarebit.errors}")
        with open(path, encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
        frames = [record["frame"] for record in records if "frame" in record]
        missing = sum(b - a - 1 for a, b in zip(frames, frames[1:]))
        summary = records[-1]
        expect(any(record.get("event") == "recovered" for record in records), "nothing says that it is over")
        expect(missing > 10, f"only {missing} records are missing")
        expect(summary["errors"]["output_full"] >= missing, f"{missing} records are missing, counted {summary['errors']}")
        return f"{missing} records lost whole and counted; written again after {after} ms"
