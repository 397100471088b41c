"""A USB webcam: MJPEG, one size, a bulk endpoint, as a program that the kernel's virtual USB host is connected to.

The kernel's own gadget side cannot stream: its virtual controller (usbip-vudc) does not carry isochronous transfers, and
its webcam function (usb_f_uvc) has no others. So this program speaks USB/IP itself. What the device program meets is the
real uvcvideo driver and a real plug: `Webcam` is one that is plugged in, `unplug` pulls it out.
"""

import collections
import glob
import os
import socket
import struct
import subprocess
import threading
import time

MODULES = ("usb-common", "usbcore", "usbip-core", "vhci-hcd", "uvcvideo")
HOST = "/sys/devices/platform/vhci_hcd.0"
HIGH_SPEED = 3
SIZE = 640, 480
INTERVAL = 400_000  # 25 frames a second, in units of 100 ns
PAYLOAD = 16_384  # bytes a transfer, of them two of header
SUBMIT, UNLINK, SUBMITTED, UNLINKED = 1, 2, 3, 4
HEADER_BYTES = 48
BROKEN_PIPE, CONNECTION_RESET = -32, -104
STRINGS = {1: "Rarebit", 2: "Virtual webcam"}


def descriptor(kind, fields, *values):
    body = struct.pack("<" + fields, *values)
    return struct.pack("<2B", len(body) + 2, kind) + body


def video_control():
    rest = descriptor(0x24, "2BH2B3HBH", 2, 1, 0x0201, 0, 0, 0, 0, 0, 2, 0)  # the camera
    rest += descriptor(0x24, "2BH3B", 3, 2, 0x0101, 0, 1, 0)  # the stream, from the camera
    header = descriptor(0x24, "BHHI2B", 1, 0x0100, 13 + len(rest), 48_000_000, 1, 1)
    return descriptor(4, "7B", 0, 0, 0, 0x0E, 1, 0, 0) + header + rest


def video_streaming():
    width, height = SIZE
    bytes_a_frame = 2 * width * height
    rest = descriptor(0x24, "9B", 6, 1, 1, 1, 1, 0, 0, 0, 0)  # MJPEG
    rest += descriptor(
        0x24, "3B2H4IBI", 7, 1, 0, width, height, 1_000_000, 100_000_000, bytes_a_frame, INTERVAL, 1, INTERVAL)
    header = descriptor(0x24, "2BH8B", 1, 1, 14 + len(rest), 0x81, 0, 2, 0, 0, 0, 1, 0)
    return descriptor(4, "7B", 1, 0, 1, 0x0E, 2, 0, 0) + header + rest + descriptor(5, "2BHB", 0x81, 2, 512, 0)


def configuration():
    rest = descriptor(0x0B, "6B", 0, 2, 0x0E, 3, 0, 2) + video_control() + video_streaming()
    return descriptor(2, "H5B", 9 + len(rest), 2, 1, 0, 0x80, 250) + rest


DEVICE = descriptor(1, "H4B3H4B", 0x0200, 0xEF, 2, 1, 64, 0x1209, 0x0001, 0x0100, 1, 2, 3, 1)


def stream_control():
    """What is negotiated: the only mode."""
    width, height = SIZE
    return struct.pack("<H2BI5H2I", 1, 1, 1, INTERVAL, 0, 0, 0, 0, 0, 2 * width * height, PAYLOAD)


def load():
    for module in MODULES:
        subprocess.run(["insmod", f"/modules/{module}.ko"], check=True)


def unload():
    for module in reversed(MODULES):
        subprocess.run(["rmmod", module.replace("-", "_")], check=True)


class Webcam:
    """A webcam in a port of the virtual host. What it sees is `picture`, a JPEG file's bytes; None: no frames come."""

    def __init__(self, picture, port=0, serial="0001"):
        self.picture, self.port, self.serial = picture, port, serial
        self.pending = collections.deque()  # transfers that wait for a frame's bytes
        self.lock = threading.Condition()
        self.is_plugged = True
        self.frames = 0
        mine, hosts = socket.socketpair()
        self.socket = mine
        with open(f"{HOST}/attach", "w") as file:
            file.write(f"{port} {hosts.fileno()} {1 << 16 | 2} {HIGH_SPEED}")
        hosts.close()
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self.answer_host, self.send_frames)]
        for thread in self.threads:
            thread.start()

    def node(self, seconds=10):
        """The path of its capture node, once the driver has made it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for path in glob.glob("/sys/class/video4linux/video*"):
                device = os.path.realpath(f"{path}/device/..")
                with open(f"{path}/index") as index:
                    is_first = index.read().strip() == "0"
                if is_first and os.path.exists(f"{device}/serial"):
                    with open(f"{device}/serial") as serial:
                        if serial.read().strip() == self.serial:
                            return f"/dev/{os.path.basename(path)}"
            time.sleep(0.02)
        raise TimeoutError("the driver made no node for the webcam")

    def unplug(self):
        """Pulls the cable."""
        self.is_plugged = False
        with open(f"{HOST}/detach", "w") as file:
            file.write(f"{self.port}")
        self.socket.shutdown(socket.SHUT_RDWR)
        with self.lock:
            self.lock.notify_all()
        for thread in self.threads:
            thread.join(5)
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.is_plugged:
            self.unplug()

    # What the host asks.

    def answer_host(self):
        try:
            while header := self.receive(HEADER_BYTES):
                command, number, _, direction, endpoint = struct.unpack_from(">5I", header)
                if command == UNLINK:
                    self.unlink(number, struct.unpack_from(">I", header, 20)[0])
                    continue
                length = struct.unpack_from(">i", header, 24)[0]
                if direction == 0 and length:
                    self.receive(length)  # whatever is set, the answer is the only mode
                if endpoint:
                    with self.lock:
                        self.pending.append((number, length))
                        self.lock.notify_all()
                else:
                    self.reply(number, self.control(header[40:48]), taken=length if direction == 0 else None)
        except OSError:
            pass  # unplugged

    def receive(self, count):
        parts = b""
        while len(parts) < count:
            part = self.socket.recv(count - len(parts))
            if not part:
                return b""
            parts += part
        return parts

    def reply(self, number, data, taken=None):
        """`data`: what was asked for; None refuses. `taken`: how many bytes were, where the host gave some."""
        status, data = (BROKEN_PIPE, b"") if data is None else (0, data)
        count = len(data) if taken is None else taken
        header = struct.pack(">5I5i8x", SUBMITTED, number, 0, 0, 0, status, count, 0, 0, 0)
        self.socket.sendall(header + data)

    def unlink(self, number, victim):
        with self.lock:
            found = [entry for entry in self.pending if entry[0] == victim]
            for entry in found:
                self.pending.remove(entry)
        status = CONNECTION_RESET if found else 0
        self.socket.sendall(struct.pack(">5Ii24x", UNLINKED, number, 0, 0, 0, status))

    def control(self, setup):
        """The answer to a control request."""
        kind, request, value, index, length = struct.unpack("<2B3H", setup)
        if kind & 0x60 == 0x20:  # of the video class
            answer = self.video_request(request, value >> 8, index & 0xFF)
            return None if answer is None else answer[:length]
        if request == 6:
            return self.describe(value >> 8, value & 0xFF, length)
        if request == 0:
            return b"\0\0"[:length]  # status
        return b""  # set configuration, set interface, clear halt

    def describe(self, kind, number, length):
        if kind == 1:
            return DEVICE[:length]
        if kind == 2:
            return configuration()[:length]
        if kind == 3 and number == 0:
            return b"\x04\x03\x09\x04"[:length]
        if kind == 3:
            text = {**STRINGS, 3: self.serial}.get(number, "").encode("utf-16-le")
            return (bytes((len(text) + 2, 3)) + text)[:length]
        return None

    def video_request(self, request, selector, interface):
        is_mode = interface == 1 and selector in (1, 2)  # probe and commit
        if request == 1:
            return b""
        if request == 0x86:
            return b"\x03"
        if request == 0x85:
            return struct.pack("<H", len(stream_control()))
        return stream_control() if is_mode else None

    # What the host gets.

    def send_frames(self):
        """As many frames a second as were promised, each in transfers that begin with a header."""
        toggle = 0
        try:
            while self.is_plugged:
                picture, start = self.picture, time.monotonic()
                if picture is not None and self.pending:
                    toggle ^= 1
                    step = PAYLOAD - 2
                    parts = [picture[at : at + step] for at in range(0, len(picture), step)] or [b""]
                    for number, part in enumerate(parts):
                        is_last = number + 1 == len(parts)
                        self.send_part(bytes((2, 0x80 | toggle | 2 * is_last)) + part)
                    self.frames += 1
                time.sleep(max(0.001, INTERVAL / 1e7 - (time.monotonic() - start)))
        except OSError:
            pass  # unplugged

    def send_part(self, part):
        with self.lock:
            while not self.pending and self.is_plugged:
                self.lock.wait(0.1)
            if not self.pending:
                raise OSError("unplugged")
            number, _ = self.pending.popleft()
            self.reply(number, part)
