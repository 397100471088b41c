"""peers.py CHECK...: frames of a USB webcam through ustreamer and through libcamera's cam, with the real drivers of the virtual device.

The programs, their libraries and what they need lie below /peers.
"""

import contextlib
import glob
import os
import signal
import subprocess
import time

import harness
import webcam
from harness import Rarebit, check, expect
from jpegs import JPEGS, usb

LIBRARIES = {"LD_LIBRARY_PATH": "/peers/lib", "PATH": "/peers/bin:/bin"}
# Seconds of this machine's clock until a program of Debian's has started and said something.
STARTING = 60
ADDRESS = "http://127.0.0.1:8080/stream"


@contextlib.contextmanager
def running(*command):
    with open("/tmp/peer", "w") as said:
        process = subprocess.Popen(command, env=LIBRARIES, stdout=said, stderr=said)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def known_to_udev():
    """libcamera looks at devices of which udev's database says that they are complete; here nobody runs udev."""
    os.makedirs("/run/udev/data", exist_ok=True)
    for path in glob.glob("/sys/class/video4linux/*/dev") + glob.glob("/sys/bus/media/devices/*/dev"):
        with open(path) as file, open(f"/run/udev/data/c{file.read().strip()}", "w") as record:
            record.write("I:1\n")


def sees(rarebit, checksums, picture, since=0.0):
    return rarebit.answer(since, STARTING, lambda record: record["input_crc"] == checksums[picture])


@check("ustreamer: another picture, its end, its return")
def ustreamer():
    checksums = [answer["input_crc"] for answer in harness.classified(JPEGS)]
    with usb(), webcam.Webcam(JPEGS[0]) as camera:
        command = ("ustreamer", "--device", camera.node(), "--format", "MJPEG", "--resolution", "640x480", "--host", "127.0.0.1",
                   "--port", "8080", "--persistent")
        with running(*command) as server, Rarebit("--source", ADDRESS, "--patience", str(STARTING)) as rarebit:
            sees(rarebit, checksums, 0)
            camera.picture = JPEGS[1]
            sees(rarebit, checksums, 1)
            server.send_signal(signal.SIGKILL)
            rarebit.event("fault", STARTING, kind="source_ended")
            camera.picture = JPEGS[2]
            with running(*command):
                rarebit.event("recovered", STARTING, kind="source_ended")
                sees(rarebit, checksums, 2)
                os.kill(rarebit.process.pid, signal.SIGTERM)
                code, _ = rarebit.wait_for_end(harness.ENDING + 2)
                expect(code == 0, f"it ended with {code}")
    return "the same bits as classify's, from the webcam's own JPEG"


@check("libcamera's cam: another picture, a webcam pulled out and plugged in again")
def libcamera():
    checksums = [answer["input_crc"] for answer in harness.classified(JPEGS)]
    with usb(), webcam.Webcam(JPEGS[0]) as camera:
        camera.node()
        known_to_udev()
        # cam talks on its standard output: the frames go elsewhere.
        environment = " ".join(f"{name}={value}" for name, value in LIBRARIES.items())
        command = f"exec env {environment} cam --camera 1 --capture --stream width=640,height=480,pixelformat=MJPEG --file=/dev/fd/3 3>&1 >&2"
        with Rarebit("--source", f"exec:{command}", "--patience", str(STARTING)) as rarebit:
            sees(rarebit, checksums, 0)
            camera.picture = JPEGS[1]
            sees(rarebit, checksums, 1)
            since = time.monotonic()
            camera.unplug()
            rarebit.wait(lambda record: record.get("event") == "fault" and record["kind"] in ("source_ended", "stalled"), STARTING)
            again = webcam.Webcam(JPEGS[2], port=1)
            again.node()
            known_to_udev()
            sees(rarebit, checksums, 2, since)
            os.kill(rarebit.process.pid, signal.SIGTERM)
            code, _ = rarebit.wait_for_end(harness.ENDING + 2)
            expect(code == 0, f"it ended with {code}")
            again.unplug()
    return "the same bits as classify's, from the webcam's own JPEG"


if __name__ == "__main__":
    harness.main()
