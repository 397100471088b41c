"""The screen before the camera: what vivid's output node is given appears, byte for byte, on its capture node."""

import time

import v4l2


class Screen:
    """One vivid device: its capture node and its output node, of one format and size, looped into each other.

    640x480 is the first of the timings that the driver lists. Both nodes must have the same timings and format, or
    the capture node shows noise.
    """

    def __init__(self, camera, output, pixel_format="YUYV", width=640, height=480, is_planar=False):
        self.camera, self.output = camera, output
        self.pixel_format, self.width, self.height, self.is_planar = pixel_format, width, height, is_planar
        self.queue = None

    def set_up_camera(self):
        """For nobody else may have the camera open then."""
        with v4l2.Node(self.camera) as node:
            node.set_size(self.width, self.height)
            kind = v4l2.CAPTURE_PLANES if self.is_planar else v4l2.CAPTURE
            node.set_format(kind, self.width, self.height, self.pixel_format)
            node.set_control("Loop Video", 1)
            node.set_control("OSD Text Mode", 2)  # no counters written over the picture

    def set_control(self, name, value=1):
        """Of the camera, whoever else has it open."""
        with v4l2.Node(self.camera) as node:
            node.set_control(name, value)

    def open(self):
        node = v4l2.Node(self.output)
        node.set_size(self.width, self.height)
        kind = v4l2.OUTPUT_PLANES if self.is_planar else v4l2.OUTPUT
        planes = node.set_format(kind, self.width, self.height, self.pixel_format)
        self.queue = v4l2.OutputQueue(node, kind, [size for size, _ in planes])

    def show(self, frame):
        """Returns when the picture is before the camera."""
        if not self.queue:
            self.open()
        self.queue.show(frame, lambda: time.sleep(0.004))

    def close(self):
        """The camera sees noise then."""
        if self.queue:
            self.queue.close()
        self.queue = None

    def __enter__(self):
        self.set_up_camera()
        self.open()
        return self

    def __exit__(self, *_):
        self.close()
