"""Files of recorded camera frames: Sources/Camera/RecordingLayout.swift says how they are laid out."""

import mmap
import struct
import sys

VERSION = 2
FILE_HEADER = struct.Struct("<8sI52x")
FRAME_HEADER = struct.Struct("<4s4s5I4xQ6I")
FRAME_INTERVAL_NS = 33_333_333


def padding(count):
    return bytes(-count % 64)


class Writer:
    """Frames of one size and format, each in one memory; `stride` is 0 for compressed formats."""

    def __init__(self, file, pixel_format, width, height, stride):
        self.file, self.count = file, 0
        self.shape = pixel_format.encode().ljust(4), width, height
        self.stride = stride
        file.write(FILE_HEADER.pack(b"RBFRAMES", VERSION))

    def write(self, frame):
        time = self.count * FRAME_INTERVAL_NS
        self.file.write(
            FRAME_HEADER.pack(b"FRAM", *self.shape, 0, 1, self.count, time, self.stride, len(frame), 0, 0, 0, 0)
        )
        self.file.write(frame + padding(len(frame)))
        self.count += 1


def read(path):
    """(format, width, height) of the first frame, and the bytes of all, which are in one memory each."""
    with open(path, "rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if len(memory) < FILE_HEADER.size or FILE_HEADER.unpack_from(memory) != (b"RBFRAMES", VERSION):
        sys.exit(f"{path} holds no recorded frames")
    shape, frames, at = None, [], FILE_HEADER.size
    while at + FRAME_HEADER.size <= len(memory):
        _, fourcc, width, height, _, _, _, _, _, count, *_ = FRAME_HEADER.unpack_from(memory, at)
        shape = shape or (fourcc.decode(), width, height)
        at += FRAME_HEADER.size
        frames.append(memory[at : at + count])
        at += count + len(padding(count))
    return shape, frames
