"""Video4Linux nodes, as far as the virtual device needs them: formats, timings, controls and an output queue.

The layouts are those of <linux/videodev2.h> on a 64-bit little-endian machine.
"""

import array
import errno
import fcntl
import mmap
import os
import struct

CAPTURE, OUTPUT, CAPTURE_PLANES, OUTPUT_PLANES = 1, 2, 9, 10  # enum v4l2_buf_type
MEMORY_MMAP = 1
FIELD_NONE = 1
NEXT_CONTROL = 0x80000000

CAPABILITY = struct.Struct("<16s32s32s3I12x")
FORMAT_BYTES = 208
FORMAT_DESCRIPTION = struct.Struct("<3I32sI16x")
CONTROL_DESCRIPTION = struct.Struct("<2I32s4iI8x")
TIMINGS_BYTES = 132
TIMINGS_SIZE = struct.Struct("<4x2I")
TIMINGS_ENTRY = struct.Struct(f"<I12x{TIMINGS_BYTES}s")
REQUEST = struct.Struct("<5I")
BUFFER = struct.Struct("<5I4x2q16x2IQI4xI4x")
PLANE = struct.Struct("<2IQI44x")
MAX_PLANES = 8


def request(direction, number, size):
    """The request number of an ioctl: _IOR is 2, _IOW 1, _IOWR 3."""
    return direction << 30 | size << 16 | ord("V") << 8 | number


QUERYCAP = request(2, 0, CAPABILITY.size)
ENUM_FMT = request(3, 2, FORMAT_DESCRIPTION.size)
S_FMT = request(3, 5, FORMAT_BYTES)
REQBUFS = request(3, 8, REQUEST.size)
QUERYBUF, QBUF, DQBUF = (request(3, number, BUFFER.size) for number in (9, 15, 17))
STREAMON = request(1, 18, 4)
S_CTRL = request(3, 28, 8)
QUERYCTRL = request(3, 36, CONTROL_DESCRIPTION.size)
S_DV_TIMINGS = request(3, 87, TIMINGS_BYTES)
ENUM_DV_TIMINGS = request(3, 98, TIMINGS_ENTRY.size)


def fourcc(text):
    return struct.unpack("<I", text.encode().ljust(4))[0]


class Node:
    """An open node."""

    def __init__(self, path):
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def close(self):
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def call(self, number, data):
        """`data`, as the driver leaves it."""
        data = bytearray(data)
        fcntl.ioctl(self.descriptor, number, data)
        return data

    def capability(self):
        driver, card, bus, _, _, node = CAPABILITY.unpack(self.call(QUERYCAP, bytes(CAPABILITY.size)))
        return driver.rstrip(b"\0").decode(), card.rstrip(b"\0").decode(), bus.rstrip(b"\0").decode(), node

    def formats(self, kind):
        """The pixel formats that the driver offers, as text of four characters."""
        found = []
        while True:
            try:
                entry = self.call(ENUM_FMT, FORMAT_DESCRIPTION.pack(len(found), kind, 0, b"", 0))
            except OSError:
                return found
            found.append(struct.pack("<I", FORMAT_DESCRIPTION.unpack(entry)[4]).decode("latin-1"))

    def set_control(self, name, value=1):
        """The control is named as the driver names it to people."""
        number = NEXT_CONTROL
        while True:
            try:
                entry = self.call(QUERYCTRL, CONTROL_DESCRIPTION.pack(number, 0, b"", 0, 0, 0, 0, 0))
            except OSError:
                raise LookupError(f"{self.path} has no control {name}") from None
            number, _, found, *_ = CONTROL_DESCRIPTION.unpack(entry)
            if found.rstrip(b"\0").decode() == name:
                self.call(S_CTRL, struct.pack("<Ii", number, value))
                return
            number |= NEXT_CONTROL

    def timings(self):
        """(width, height, what S_DV_TIMINGS takes) of every mode that the driver lists."""
        found = []
        while True:
            try:
                entry = self.call(ENUM_DV_TIMINGS, TIMINGS_ENTRY.pack(len(found), b""))
            except OSError:
                return found
            timings = TIMINGS_ENTRY.unpack(entry)[1]
            found.append((*TIMINGS_SIZE.unpack_from(timings), timings))

    def set_size(self, width, height):
        """The first mode of this size."""
        for found_width, found_height, timings in self.timings():
            if (found_width, found_height) == (width, height):
                self.call(S_DV_TIMINGS, timings)
                return
        raise LookupError(f"{self.path} has no timings of {width}x{height}")

    def set_format(self, kind, width, height, pixel_format):
        """The bytes of each plane and of each plane's row; the driver must take the format as it is."""
        wanted = fourcc(pixel_format)
        fields = struct.pack("<4I", width, height, wanted, FIELD_NONE)  # alike for one plane and for several
        given = self.call(S_FMT, (struct.pack("<I4x", kind) + fields).ljust(FORMAT_BYTES, b"\0"))[8:]
        if struct.unpack_from("<3I", given) != (width, height, wanted):
            raise OSError(errno.EINVAL, f"{self.path} does not take {pixel_format} {width}x{height}")
        if kind in (CAPTURE, OUTPUT):
            stride, size = struct.unpack_from("<2I", given, 16)
            return [(size, stride)]
        planes = given[20 + 20 * MAX_PLANES]
        return [struct.unpack_from("<2I", given, 20 + 20 * plane) for plane in range(planes)]


class OutputQueue:
    """What a node puts out: frames written into buffers that the driver shows one after the other.

    The driver keeps showing the last one; `show` returns when the frame is the one that is shown.
    """

    BUFFERS = 4

    def __init__(self, node, kind, plane_bytes):
        self.node, self.kind, self.plane_bytes = node, kind, plane_bytes
        node.call(REQBUFS, REQUEST.pack(self.BUFFERS, kind, MEMORY_MMAP, 0, 0))
        self.memory = [self.map(index) for index in range(self.BUFFERS)]
        self.free = list(range(self.BUFFERS))
        self.is_streaming = False

    def exchange(self, number, index, fill=False):
        """Passes a buffer to a request; its fields afterwards, and those of its planes."""
        planes = bytearray().join(
            PLANE.pack(size if fill else 0, 0, 0, 0) for size in self.plane_bytes).ljust(PLANE.size * MAX_PLANES, b"\0")
        memory = array.array("B", planes)
        is_planar = self.kind == OUTPUT_PLANES
        pointer, length = (memory.buffer_info()[0], len(self.plane_bytes)) if is_planar else (0, 0)
        used = self.plane_bytes[0] if fill and not is_planar else 0
        buffer = BUFFER.pack(index, self.kind, used, 0, FIELD_NONE, 0, 0, 0, MEMORY_MMAP, pointer, length, 0)
        fields = BUFFER.unpack(self.node.call(number, buffer))
        return fields, [PLANE.unpack_from(memory, PLANE.size * plane) for plane in range(len(self.plane_bytes))]

    def map(self, index):
        fields, planes = self.exchange(QUERYBUF, index)
        if self.kind == OUTPUT_PLANES:
            parts = [(length, offset) for _, length, offset, _ in planes]
        else:
            parts = [(fields[10], fields[9])]
        return [mmap.mmap(self.node.descriptor, length, offset=offset) for length, offset in parts]

    def show(self, frame, wait):
        """`frame` holds the planes one behind the other. `wait` sleeps for about a frame's time."""
        index = self.free.pop()
        start = 0
        for memory, size in zip(self.memory[index], self.plane_bytes):
            memory[:size] = frame[start : start + size]
            start += size
        if start != len(frame):
            raise ValueError(f"a frame of {len(frame)} bytes, {start} are needed")
        self.exchange(QBUF, index, fill=True)
        if not self.is_streaming:
            self.node.call(STREAMON, struct.pack("<i", self.kind))
            self.is_streaming = True
        while len(self.free) < self.BUFFERS - 1:
            try:
                self.free.append(self.exchange(DQBUF, 0)[0][0])
            except BlockingIOError:
                wait()

    def close(self):
        for memory in self.memory:
            for part in memory:
                part.close()
        self.node.close()
