"""JPEG frames: what a webcam and its cable can do, with the real uvcvideo driver; what a program that writes frames can do,
with v4l2loopback."""

import contextlib
import os
import struct
import subprocess
import threading
import time

import pictures
import v4l2
import webcam
from harness import PATIENCE, RECOVERY, Rarebit, check, classified, expect, expect_counts

JPEGS = pictures.jpegs()


def without_tables(picture):
    """A JPEG file without its Huffman tables, as many webcams send it: they are the standard's."""
    parts, at = [picture[:2]], 2
    while picture[at + 1] != 0xDA:  # segments before the scan
        end = at + 2 + int.from_bytes(picture[at + 2 : at + 4], "big")
        if picture[at + 1] != 0xC4:
            parts.append(picture[at:end])
        at = end
    return b"".join(parts) + picture[at:]


class Answers:
    """The program on a camera of JPEG frames, and which picture an answer is for."""

    def __init__(self, camera, *options):
        self.checksums = [answer["input_crc"] for answer in classified(JPEGS)]
        self.rarebit = Rarebit("--camera", camera, *options)

    def __enter__(self):
        return self

    def __exit__(self, *arguments):
        self.rarebit.__exit__(*arguments)

    def sees(self, picture, since=0.0, seconds=PATIENCE):
        return self.rarebit.answer(since, seconds, lambda r: r["input_crc"] == self.checksums[picture])

    def recovers(self, picture, since):
        """Milliseconds until the first answer for a picture that came into view at the end of a fault."""
        after = self.sees(picture, since, RECOVERY + 1)["arrived"] - since
        expect(after <= RECOVERY, f"the first answer came {after:.2f} s after the fault's end")
        return round(1000 * after)


@contextlib.contextmanager
def usb():
    subprocess.run(["rmmod", "vivid"], stderr=subprocess.DEVNULL)
    webcam.load()
    try:
        yield
    finally:
        webcam.unload()


@check("a USB webcam: JPEG frames, garbage, truncated and empty ones, a stall")
def usb_frames():
    with usb(), webcam.Webcam(JPEGS[0]) as camera, Answers(camera.node()) as answers:
        for picture in range(len(JPEGS)):
            camera.picture = JPEGS[picture]
            answers.sees(picture)
        camera.picture = without_tables(JPEGS[1])
        answers.sees(1, time.monotonic() + 0.2)
        took = []
        for number, bad in enumerate((os.urandom(20_000), JPEGS[2][:9000], JPEGS[2][:100] + os.urandom(9000))):
            camera.picture = bad
            broken = time.monotonic()
            time.sleep(1)
            camera.picture = JPEGS[3 + number]
            mended = time.monotonic()
            took.append(answers.recovers(3 + number, mended))
            wrong = [r for r in answers.rarebit.answers() if broken + 0.2 < r["timestamp_ns"] / 1e9 < mended]
            expect(not wrong, lambda: f"answers to frames that are no pictures: {wrong[:2]}")
        camera.picture = None
        answers.rarebit.event("fault", 10, kind="stalled")
        camera.picture = JPEGS[0]
        took.append(answers.recovers(0, time.monotonic()))
        expect_counts(answers.rarebit.end(), exact=False, undecodable_frame=30, stalled=1)
        return f"{len(JPEGS)} pictures as classify sees them; answers again after {took} ms"


@check("a USB webcam unplugged, plugged in again in the same port, then under another number in another port")
def usb_unplugged():
    took = []
    with usb():
        camera = webcam.Webcam(JPEGS[0], serial="A1")
        first = camera.node()
        with Answers(first) as answers:
            answers.sees(0)
            descriptors = answers.rarebit.descriptors()
            for picture, port in ((1, 0), (2, 4)):
                camera.unplug()
                gone = time.monotonic()
                answers.rarebit.event("fault", 1, kind="unplugged", since=gone - 0.5)
                time.sleep(2)
                other = None
                if port != 0:  # another webcam takes the number, of which this one is to be told apart
                    other = webcam.Webcam(JPEGS[5], port=1, serial="B2")
                    expect(other.node() == first, f"the other webcam is {other.node()}")
                camera = webcam.Webcam(JPEGS[picture], port=port, serial="A1")
                node = camera.node()
                took.append(answers.recovers(picture, time.monotonic()))
                if other:
                    expect(node != first, "the webcam has its old number")
                    other.unplug()
            expect(answers.rarebit.descriptors() == descriptors, "descriptors were kept")
            answers.sees(2, time.monotonic())
            expect_counts(answers.rarebit.end(), recoveries=2, unplugged=2)
        camera.unplug()
    return f"answers again after {took} ms, the second time from {node}"


class Writer:
    """A program that writes 25 frames a second into a v4l2loopback node. None: it writes nothing."""

    def __init__(self, path, pixel_format, frame, width=640, height=480):
        self.frame, self.is_open = frame, True
        self.node = v4l2.Node(path)
        self.node.capability()  # when it is asked the driver looks whether the node may be written
        self.node.set_format(v4l2.OUTPUT, width, height, pixel_format)
        self.node.call(v4l2.STREAMON, struct.pack("<i", v4l2.OUTPUT))  # or the driver does not see it end
        self.thread = threading.Thread(target=self.write, daemon=True)
        self.thread.start()

    def write(self):
        while self.is_open:
            frame = self.frame
            if frame is not None:
                with contextlib.suppress(BlockingIOError):
                    os.write(self.node.descriptor, frame)
            time.sleep(0.04)

    def close(self):
        self.is_open = False
        self.thread.join()
        self.node.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.is_open:
            self.close()


@contextlib.contextmanager
def loopback():
    subprocess.run(["rmmod", "vivid"], stderr=subprocess.DEVNULL)
    subprocess.run(["insmod", "/modules/v4l2loopback.ko", "exclusive_caps=1", "video_nr=3"], check=True)
    try:
        yield "/dev/video3"
    finally:
        subprocess.run(["rmmod", "v4l2loopback"], check=True)


@check("frames of a program: garbage and truncated JPEG, a stalled writer")
def loopback_jpegs():
    with loopback() as path:
        with contextlib.ExitStack() as stack:
            writer = stack.enter_context(Writer(path, "MJPG", JPEGS[0]))
            answers = stack.enter_context(Answers(path))
            answers.sees(0)
            took = []
            for bad in (os.urandom(20_000), JPEGS[2][:9000]):
                writer.frame = bad
                time.sleep(1)
                writer.frame = JPEGS[1]
                took.append(answers.recovers(1, time.monotonic() + 0.05))
            writer.frame = None
            answers.rarebit.event("fault", 10, kind="stalled")
            writer.frame = JPEGS[2]
            took.append(answers.recovers(2, time.monotonic()))
            expect_counts(answers.rarebit.end(), exact=False, undecodable_frame=20, stalled=1)
    return f"answers again after {took} ms"


@check("a program of frames that ends, and comes back as it was, in another size, in another format")
def loopback_writers():
    large, raw = pictures.jpegs(1280, 720)[0], pictures.frames("RGB3")[3]
    scenes = [  # as classify reads a picture, and as the program comes back with it
        (JPEGS[1], ("MJPG", JPEGS[1])),
        (large, ("MJPG", large, 1280, 720)),
        (pictures.files("RGB3")[3], ("RGB3", raw)),
        (JPEGS[2], ("MJPG", JPEGS[2])),
    ]
    checksums = [answer["input_crc"] for answer in classified([file for file, _ in scenes])]
    with contextlib.ExitStack() as stack:
        path = stack.enter_context(loopback())
        writer = stack.enter_context(Writer(path, "MJPG", JPEGS[0]))
        answers = stack.enter_context(Answers(path))
        answers.sees(0)
        took = []
        for checksum, (_, returns) in zip(checksums, scenes):
            writer.close()
            ended = time.monotonic()
            answers.rarebit.event("fault", 10, since=ended, kind="stalled")
            time.sleep(3)  # it meets a node that is no camera for now
            writer = stack.enter_context(Writer(path, *returns))
            back = time.monotonic()
            first = answers.rarebit.answer(ended + 0.1, RECOVERY + 1)
            took.append(round(1000 * (first["arrived"] - back)))
            expect(first["arrived"] - back <= RECOVERY, f"the first answer came after {took[-1]} ms")
            expect(first["input_crc"] == checksum, f"the first answer is for another picture: {first}")
        expect_counts(answers.rarebit.end(), recoveries=4, exact=False, stalled=4, unplugged=4)
    return f"answers again after {took} ms"


@check("short and empty frames")
def loopback_raw():
    whole = pictures.frames("YUYV")[0]
    with loopback() as path:
        with contextlib.ExitStack() as stack:
            writer = stack.enter_context(Writer(path, "YUYV", whole))
            rarebit = stack.enter_context(Rarebit("--camera", path))
            rarebit.answer()
            took = []
            for bad in (whole[: len(whole) // 2], b""):
                writer.frame = bad
                time.sleep(1)
                writer.frame = whole
                since = time.monotonic()
                took.append(round(1000 * (rarebit.answer(since, RECOVERY)["arrived"] - since)))
            expect_counts(rarebit.end(), exact=False, short_frame=5, empty_frame=5)
    return f"answers again after {took} ms"
