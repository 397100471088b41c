#!/usr/bin/env python3
"""film.py [SECONDS]: Y4M of Fashion-MNIST's test pictures on a table, each for SECONDS (2), ten frames a second, without end.

Needs Debian's dataset-fashion-mnist and python3-numpy."""

import gzip
import sys
import time

import numpy

PICTURES = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"
WIDTH, HEIGHT, SIDE, RATE = 640, 480, 448, 10
# Of different classes, and not the easiest ones.
SHOWN = (0, 18, 23, 11, 4, 6, 28, 2, 42, 1)


def enlarged(picture, side):
    """Bilinear, centres of pixels half-way."""
    place = (numpy.arange(side) + 0.5) * len(picture) / side - 0.5
    low = numpy.clip(numpy.floor(place).astype(int), 0, len(picture) - 2)
    part = numpy.clip(place - low, 0, 1)
    rows = picture[low] * (1 - part)[:, None] + picture[low + 1] * part[:, None]
    return rows[:, low] * (1 - part) + rows[:, low + 1] * part


def main():
    if sys.argv[1:2] in (["--help"], ["-h"]):
        print(__doc__)
        return
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    with gzip.open(PICTURES) as file:
        data = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 28, 28)
    output = sys.stdout.buffer
    output.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip C420jpeg\n" % (WIDTH, HEIGHT, RATE))
    chroma = bytes([128]) * (WIDTH * HEIGHT // 2)
    while True:
        for number in SHOWN:
            brightness = numpy.full((HEIGHT, WIDTH), 16.0)
            top, left = (HEIGHT - SIDE) // 2, (WIDTH - SIDE) // 2
            brightness[top : top + SIDE, left : left + SIDE] += enlarged(data[number].astype(float), SIDE) * 219 / 255
            frame = b"FRAME\n" + brightness.round().astype(numpy.uint8).tobytes() + chroma
            for _ in range(int(seconds * RATE)):
                output.write(frame)
                output.flush()
                time.sleep(1 / RATE)


main()
