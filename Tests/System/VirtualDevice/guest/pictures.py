"""Pictures for the camera, painted on the host: files of frames without padding, one behind the other."""

COUNT = {(640, 480): 6, (720, 576): 2, (1280, 720): 2}  # what Tests/System/VirtualDevice/run paints
# V4L2's names of the same bytes.
SAME_BYTES = {
    "NM12": "NV12", "NM21": "NV21", "YM12": "YU12", "YM21": "YV12",
    "AR24": "XR24", "BGR4": "XR24", "BA24": "BX24", "RGB4": "BX24", "RA24": "RX24", "AB24": "XB24",
}  # fmt: skip


def path(layout, width, height):
    return f"{SAME_BYTES.get(layout, layout).strip()}-{width}x{height}"


def frames(layout, width=640, height=480):
    """The frames of a pixel format, or of a reference: R565, R422, R420."""
    count = COUNT[width, height]
    with open(path(layout, width, height), "rb") as file:
        contents = file.read()
    size = len(contents) // count
    return [contents[i * size : (i + 1) * size] for i in range(count)]


def files(layout, width=640, height=480):
    """The frames of a reference as picture files."""
    header = f"{'P5' if layout == 'GREY' else 'P6'}\n{width} {height}\n255\n".encode()
    return [header + frame for frame in frames(layout, width, height)]


def jpegs(width=640, height=480):
    """The pictures as JPEG files. The end of one and the beginning of the next stand nowhere inside."""
    with open(path("JPEG", width, height), "rb") as file:
        parts = file.read().split(b"\xff\xd9\xff\xd8")
    last = len(parts) - 1
    return [
        (b"" if i == 0 else b"\xff\xd8") + part + (b"" if i == last else b"\xff\xd9") for i, part in enumerate(parts)]
