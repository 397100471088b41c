"""Pictures in every raw format that vivid and the device program share get the answers that `classify` gives them."""

import time

import pictures
import v4l2
from harness import Rarebit, check, classified, expect
from screen import Screen
from vivid import Vivid

# What a format keeps of a picture is what this reference holds: classify's answer to the reference must be met, and
# where the reference holds the very pixels, bit for bit.
EXACT = {
    "RGB3": "RGB3", "BGR3": "RGB3", "XR24": "RGB3", "AR24": "RGB3", "BGR4": "RGB3", "BX24": "RGB3", "BA24": "RGB3",
    "RGB4": "RGB3", "RX24": "RGB3", "RA24": "RGB3", "XB24": "RGB3", "AB24": "RGB3", "RGBP": "R565",
    "GREY": "GREY", "Y10 ": "GREY", "Y16 ": "GREY",
}  # fmt: skip
# Formats of one row keep the same Y, U and V, so what the model sees must be the same bits among them.
SUBSAMPLED = {
    "YUYV": "R422", "UYVY": "R422", "YVYU": "R422", "VYUY": "R422",
    "NV12": "R420", "NV21": "R420", "YU12": "R420", "YV12": "R420",
    "NM12": "R420", "NM21": "R420", "YM12": "R420", "YM21": "R420",
}  # fmt: skip


def seen(screen, layout):
    """What the device program says of the same frames before the camera."""
    shown = pictures.frames(layout, screen.width, screen.height)
    size = f"{screen.width}x{screen.height}"
    answers = []
    with screen:
        screen.show(shown[0])
        with Rarebit("--camera", screen.camera, "--format", screen.pixel_format, "--size", size) as rarebit:
            for frame in shown:
                screen.show(frame)
                # A frame that is being copied may still have the picture before.
                answers.append(rarebit.answer(since=time.monotonic() + 1 / 20))
            rarebit.end()
    return answers


def best(answer):
    return answer["top"][0]["class"]


class Table:
    """The agreement, a row for each format and size."""

    def __init__(self):
        self.references, self.bits, self.wrong = {}, {}, []
        print("format  size      memories  pictures  same top-1  same top-1 as its reference  same bits", flush=True)

    def reference(self, layout, width, height):
        key = layout, width, height
        if key not in self.references:
            self.references[key] = classified(pictures.files(*key))
        return self.references[key]

    def add(self, screen, layout):
        size = screen.width, screen.height
        answers = seen(screen, layout)
        pairs = list(zip(answers, self.reference("RGB3", *size)))
        kept = list(zip(answers, self.reference(EXACT.get(layout) or SUBSAMPLED[layout], *size)))
        same_top = sum(best(a) == best(b) for a, b in pairs)
        same_kept = sum(best(a) == best(b) for a, b in kept)
        if layout in EXACT:
            wanted = [b["input_crc"] for _, b in kept]
        else:
            wanted = self.bits.setdefault((SUBSAMPLED[layout], size), [a["input_crc"] for a in answers])
        same_bits = sum(a["input_crc"] == crc for a, crc in zip(answers, wanted))
        memories = "several" if screen.is_planar else "one"
        print(
            f"{layout:6}  {size[0]}x{size[1]:<5} {memories:8} {len(answers):9} {same_top:11} {same_kept:28} {same_bits:10}",
            flush=True)
        if same_kept < len(answers) or same_bits < len(answers):
            self.wrong.append(f"{layout} {size[0]}x{size[1]} {memories}")


@check("every raw format and size, single- and multi-planar")
def formats_and_sizes():
    table = Table()
    rows = 0
    with Vivid(n_devs=2, multiplanar="1,2"):
        for camera, output, is_planar in (("/dev/video0", "/dev/video1", False), ("/dev/video2", "/dev/video3", True)):
            with v4l2.Node(camera) as node:
                offered = node.formats(v4l2.CAPTURE_PLANES if is_planar else v4l2.CAPTURE)
            layouts = [layout for layout in (*EXACT, *SUBSAMPLED) if layout in offered]
            if is_planar:  # the rest differs only in how its one memory is asked for
                layouts = [layout for layout in layouts if "M" in layout or layout in ("YUYV", "NV12")]
            for layout in layouts:
                # Names of the same bytes differ in nothing that the size could change.
                sizes = [(640, 480)] if layout in pictures.SAME_BYTES else pictures.COUNT
                for size in sizes:
                    table.add(Screen(camera, output, layout, *size, is_planar), layout)
                    rows += 1
    expect(not table.wrong, f"other answers than classify's: {', '.join(table.wrong)}")
    expect(rows >= 65, f"only {rows} formats and sizes were offered")
    return f"{rows} formats and sizes agree"
