"""Faults of a camera, made by the vivid driver itself."""

import contextlib
import json
import os
import re
import subprocess
import time

import pictures
import recording
import v4l2
from harness import (
    PATIENCE, RECOVERY, Rarebit, check, expect, expect_counts, metrics, wait_until,
)  # fmt: skip
from screen import Screen
from vivid import Vivid, reload_elsewhere

CAMERA, OUTPUT = "/dev/video0", "/dev/video1"
FRAMES = pictures.frames("YUYV")
PORT = 9999
# Memory that a program may have more of after its first recovery than before: stack and data that are first used then.
FIRST_USE_KILOBYTES = 256


def learn():
    """What the model sees of each picture: the checksum of its input, from the same frames as a recording."""
    with open("/tmp/frames", "wb") as file:
        writer = recording.Writer(file, "YUYV", 640, 480, 1280)
        for frame in FRAMES:
            writer.write(frame)
    output = subprocess.run(
        ["rarebit", "run", "model.rbit", "--json", "--frames", "/tmp/frames"], check=True, capture_output=True)
    records = [json.loads(line) for line in output.stdout.splitlines()]
    os.remove("/tmp/frames")
    return [record["input_crc"] for record in records if "frame" in record]


CHECKSUMS = []


class Scene:
    """vivid with a screen before its camera, and the program answering for picture 0."""

    def __init__(self, *options, prepare=lambda screen: None, **popen):
        self.options, self.prepare, self.popen = options, prepare, popen

    def __enter__(self):
        if not CHECKSUMS:
            CHECKSUMS.extend(learn())
        with contextlib.ExitStack() as stack:
            stack.enter_context(Vivid())
            self.screen = stack.enter_context(Screen(CAMERA, OUTPUT))
            self.show(0)
            self.prepare(self.screen)
            self.rarebit = stack.enter_context(Rarebit("--camera", CAMERA, *self.options, **self.popen))
            if self.rarebit.process.stdout:
                self.sees(0)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def show(self, picture):
        self.screen.show(FRAMES[picture])

    def sees(self, picture, since=0.0, seconds=PATIENCE):
        """The first answer to this picture in a frame taken after a time."""
        return self.rarebit.answer(since, seconds, lambda r: r["input_crc"] == CHECKSUMS[picture])

    def rests(self):
        """Descriptors and kilobytes, once a few frames have been answered."""
        self.rarebit.answer(since=time.monotonic() + 0.2)
        return self.rarebit.descriptors(), self.rarebit.resident()

    def recovers(self, kind, since, before):
        """Checks that frames are answered in time after a fault's end, and that nothing was kept. In milliseconds."""
        answer = self.rarebit.answer(since, RECOVERY + 1)
        after = answer["arrived"] - since
        expect(after <= RECOVERY, f"the first answer came {after:.2f} s after the fault's end")
        self.has_recovered(kind, 1, before)
        return round(1000 * after)

    def has_recovered(self, kind, times, before):
        """The same of a fault that is over at once, by the program's own account."""
        wait_until(lambda: len(self.rarebit.events("recovered")) == times, RECOVERY, f"not recovered {times} times")
        event = self.rarebit.events("recovered")[-1]
        expect(event["kind"] == kind, f"recovered from {event['kind']}, not {kind}")
        descriptors, kilobytes = self.rests()
        expect(descriptors == before[0], f"{before[0]} descriptors before, {descriptors} after")
        expect(kilobytes <= before[1] + FIRST_USE_KILOBYTES, f"{before[1]} KB resident before, {kilobytes} after")
        return round(event["after_ms"])

    def never_again(self, picture, since):
        """No frame after a time shows a picture that is no longer there."""
        stale = [r for r in self.rarebit.answers() if r["timestamp_ns"] > since * 1e9 and
                 r["input_crc"] == CHECKSUMS[picture]]  # fmt: skip
        late = [r for r in self.rarebit.answers() if r["arrived"] > since + RECOVERY and
                r["input_crc"] == CHECKSUMS[picture]]  # fmt: skip
        expect(not stale and not late, lambda: f"stale answers: {[*stale, *late][:2]}")


@check("unplugged, and plugged in again under the same number")
def unplugged():
    with Scene("--metrics", str(PORT)) as scene:
        before = scene.rests()
        scene.screen.set_control("Disconnect")
        gone = time.monotonic()
        scene.rarebit.event("fault", 1, kind="unplugged")
        time.sleep(3)
        expect(metrics(PORT)['rarebit_errors_total{kind="unplugged"}'] == 1, "metrics do not count the fault")
        expect(scene.rarebit.answers()[-1]["arrived"] < gone + 1, "answers came while the camera was gone")
        scene.screen.close()  # the last user is gone: the driver plugs the camera in again
        back = time.monotonic()
        scene.show(1)
        after = scene.recovers("unplugged", back, before)
        scene.sees(1, back)
        scene.never_again(0, back)
        time.sleep(1.1)  # metrics are told once a second
        expect(metrics(PORT)["rarebit_recoveries_total"] == 1, "metrics do not count the recovery")
        expect_counts(scene.rarebit.end(), recoveries=1, unplugged=1)
        return f"answers again after {after} ms"


@check("unplugged, and plugged in again under another node number")
def replugged_under_another_number():
    with Scene() as scene:
        before = scene.rests()
        scene.screen.close()
        reload_elsewhere(unplugged=lambda: scene.rarebit.event("fault", 1, kind="unplugged"), vid_cap_nr=6, vid_out_nr=7)
        back = time.monotonic()
        scene.screen = scene.stack.enter_context(Screen("/dev/video6", "/dev/video7"))
        with contextlib.suppress(OSError):  # where it has been opened already, it is as the driver made it
            scene.screen.set_up_camera()
        after = scene.recovers("unplugged", back, before)
        expect_counts(scene.rarebit.end(), recoveries=1, unplugged=1)
        return f"answers from /dev/video6 after {after} ms"


@check("a driver error on VIDIOC_QBUF, VIDIOC_REQBUFS and VIDIOC_STREAMON")
def errors_of_calls():
    took = []
    with Scene() as scene:
        before = scene.rests()
        for call in ("VIDIOC_QBUF", "VIDIOC_REQBUFS", "VIDIOC_STREAMON"):
            scene.screen.set_control(f"Inject {call} Error")
            if call != "VIDIOC_QBUF":  # what meets the error is the attempt to recover from another one
                scene.screen.set_control("Inject VIDIOC_QBUF Error")
            took.append(scene.has_recovered("driver_error", len(took) + 1, before))
            if len(took) == 1:
                after_first = scene.rests()
        after_last = scene.rests()
        expect(after_last == after_first, f"{after_first} descriptors and KB after the first, {after_last} after the last")
        expect_counts(scene.rarebit.end(), recoveries=3, driver_error=5)
    return f"answers again after {took} ms"


@check("a fatal streaming error")
def fatal_streaming_error():
    with Scene() as scene:
        before = scene.rests()
        scene.screen.set_control("Inject Fatal Streaming Error")
        after = scene.has_recovered("driver_error", 1, before)
        scene.screen.close()  # its queue is broken by the same error
        scene.show(1)
        shown = scene.sees(1)["arrived"]
        scene.rests()
        scene.never_again(0, shown)
        expect_counts(scene.rarebit.end(), recoveries=1, driver_error=1)
        return f"answers again after {after} ms"


@check("frames that the driver flags as corrupt")
def corrupt_frames():
    with Scene() as scene:
        for number in range(3):
            scene.screen.set_control("Inject V4L2_BUF_FLAG_ERROR")
            scene.sees(0, time.monotonic() + 0.1)
        expect_counts(scene.rarebit.end(), recoveries=0, corrupt_frame=3)
        return "3 in a row"


@check("a stalled stream: the driver returns no buffer")
def stalled_stream():
    with Scene() as scene:
        before = scene.rests()
        scene.screen.set_control("Percentage of Dropped Buffers", 100)
        scene.rarebit.event("fault", 10, kind="stalled")
        scene.screen.close()
        scene.screen.set_control("Percentage of Dropped Buffers", 0)
        back = time.monotonic()
        scene.show(1)
        after = scene.recovers("stalled", back, before)
        shown = scene.sees(1, back)["arrived"]
        scene.rests()
        scene.never_again(0, shown)
        expect_counts(scene.rarebit.end(), exact=False, stalled=1)
        return f"answers again after {after} ms"


@check("buffers dropped by the driver")
def dropped_buffers():
    with Scene() as scene:
        scene.screen.set_control("Percentage of Dropped Buffers", 60)
        scene.sees(0, time.monotonic() + 3)
        summary = scene.rarebit.end()
        answers = scene.rarebit.answers()
        taken = answers[-1]["sequence"] - answers[0]["sequence"] + 1
        expect_counts(summary, recoveries=0)
        expect(len(answers) > 10, f"only {len(answers)} answers")
        told = len(answers) + summary["superseded"] + summary["dropped"]
        expect(summary["dropped"] > 50, f"only {summary['dropped']} dropped frames were counted")
        # Frames before the first answer and after the last one are told of too.
        expect(taken <= told <= taken + 20, f"{taken} frames were taken, {told} are accounted for")
        return f"{taken} frames: {len(answers)} answered, {summary['superseded']} superseded, {summary['dropped']} dropped"


@check("a sequence number that wraps")
def wrapped_sequence_number():
    with Scene(prepare=lambda screen: screen.set_control("Wrap Sequence Number")) as scene:
        first = scene.rarebit.answers()[0]["sequence"]
        expect(first >= 0xFFFFFF00, f"the first sequence number is {first}")
        scene.rarebit.answer(matches=lambda record: 100 < record["sequence"] < 0x1000)
        summary = scene.rarebit.end()
        expect_counts(summary, recoveries=0)
        expect(summary["dropped"] < 1000, f"{summary['dropped']} dropped frames")
        return f"from {first} on"


def wraps_time(mode):
    with Scene(prepare=lambda screen: screen.set_control("Wrap Timestamp", mode)) as scene:
        scene.rarebit.wait(lambda r: "frame" in r and r["frame"] > 60, what="no 60 answers")
        answers = scene.rarebit.answers()
        expect_counts(scene.rarebit.end(), recoveries=0)
        ages = [record["age_ms"] for record in answers]
        return len(answers), max(ages), answers[0]["timestamp_ns"], answers[-1]["timestamp_ns"]


@check("time stamps that wrap")
def wrapped_time_stamps():
    return [wraps_time(mode) for mode in (1, 2)]


def signal_lost(mode):
    with Scene() as scene:
        before = scene.rests()
        scene.screen.set_control("DV Timings Signal Mode", mode)
        scene.rarebit.event("fault", 2, kind="signal_lost")
        lost = time.monotonic()
        time.sleep(2)
        answers = [r for r in scene.rarebit.answers() if r["timestamp_ns"] > (lost + 0.1) * 1e9]
        expect(not answers, f"{len(answers)} answers without a signal")
        scene.show(1)
        scene.screen.set_control("DV Timings Signal Mode", 0)
        back = time.monotonic()
        after = scene.recovers("signal_lost", back, before)
        scene.sees(1, back)
        scene.never_again(0, back)
        expect_counts(scene.rarebit.end(), recoveries=1, signal_lost=1)
        return after


@check("no signal, and a signal that does not lock")
def lost_signal():
    return f"answers again after {[signal_lost(mode) for mode in (1, 2)]} ms"


@check("a source that changes its timings while streaming")
def changed_timings():
    with Scene() as scene:
        before = scene.rests()
        with v4l2.Node(CAMERA) as node:
            index = next(i for i, (w, h, _) in enumerate(node.timings()) if (w, h) == (720, 576))
            node.set_control("DV Timings", index)
            node.set_control("DV Timings Signal Mode", 4)  # the selected ones
        since = time.monotonic()
        scene.rarebit.event("fault", 2, kind="format_changed")
        after = scene.recovers("format_changed", since, before)
        expect_counts(scene.rarebit.end(), recoveries=1, format_changed=1)
        return f"answers again after {after} ms"


@check("two programs on one node")
def busy_node():
    with Scene() as scene:
        second = subprocess.run(
            ["rarebit", "run", "model.rbit", "--camera", CAMERA, "--json"], capture_output=True, timeout=PATIENCE)
        expect(second.returncode == 1, f"the second ended with {second.returncode}")
        lines = second.stderr.decode().splitlines()
        expect(lines and re.search("another program|in use|busy", lines[-1]), f"the second said {lines}")
        scene.sees(0, time.monotonic())
        expect_counts(scene.rarebit.end(), recoveries=0)
        return lines[-1]


@check("SIGTERM and SIGINT while streaming and during recovery")
def signals():
    import signal

    took = []
    for number in (signal.SIGTERM, signal.SIGINT):
        for disconnected in (False, True):
            with Scene() as scene:
                if disconnected:
                    scene.screen.set_control("Disconnect")
                    scene.rarebit.event("fault", 1, kind="unplugged")
                    time.sleep(1.5)  # within the longest of its waits
                start = time.monotonic()
                scene.rarebit.end(number)
                took.append(round(1000 * (time.monotonic() - start)))
    return f"ended after {took} ms"


@check("a camera that cannot be started, with and without --patience")
def patience():
    def run(*options):
        start = time.monotonic()
        done = subprocess.run(
            ["rarebit", "run", "model.rbit", "--camera", "/dev/video9", *options], capture_output=True, timeout=PATIENCE)
        expect(done.returncode == 1, f"exit code {done.returncode}")
        expect(len(done.stderr.splitlines()) >= 1, "nothing was said")
        return time.monotonic() - start

    at_once, patient = run(), run("--patience", "2")
    expect(at_once < 1, f"without patience it took {at_once:.2f} s")
    expect(2 <= patient < 3, f"with two seconds of patience it took {patient:.2f} s")
    return f"gave up after {at_once:.2f} and {patient:.2f} s"


