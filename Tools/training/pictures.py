"""Users' own pictures: folders of classes, the files in them, and how a file becomes an input. docs/pictures.md has the rules."""

import collections
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from config import UserError

# By a file's ending; what it really is, Pillow finds out.
ENDINGS = {
    ".bmp", ".dib", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
}
# Of the pictures of a part, at most this share may be broken, or this number: more, and the folder is not what its owner believes.
# The converter's limits are the same: Sources/Evaluation/ReadablePictures.swift.
BROKEN_SHARE, FEW_BROKEN = 0.1, 10
# So many names stand in a message.
NAMED = 5
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)


# Bytes of inputs that are kept once they are decoded; of a larger part none is.
KEPT = 1 << 30


@dataclass
class ImageFiles:
    """What datasets.Images is, decoded when asked for. `input`: the configuration's. `kept`: the inputs that have been decoded, by
    path, shared by all that is picked; None for sets that memory does not hold."""

    paths: list[Path]
    labels: torch.Tensor
    input: dict
    kept: dict | None = None

    def __len__(self):
        return len(self.labels)

    def pick(self, indices):
        return ImageFiles([self.paths[i] for i in indices.tolist()], self.labels[indices], self.input, self.kept)

    @property
    def pixels(self):
        # Pillow decodes outside Python's lock.
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            return torch.stack(list(pool.map(self._decode, self.paths)))

    def _decode(self, path):
        if self.kept is not None and path in self.kept:
            return self.kept[path]
        pixels = _decoded(path, self.input)
        if pixels is None:
            # It could be decoded when the run started.
            raise UserError(f"{path}: is no longer a picture that can be decoded: put it back, and resume")
        return pixels


def opened(path, ignore_exif):
    """The picture as RGB, upright where its EXIF block says how and is not to be ignored. What Pillow raises goes through."""
    with Image.open(path) as image:
        return (image if ignore_exif else ImageOps.exif_transpose(image)).convert("RGB")


def shaped(image, options):
    """The picture as a square of `size`, as docs/pictures.md says of each `resize_mode`."""
    size, resize, mode = options["size"], options["resize"] or options["size"], options["resize_mode"]
    if mode == "pad":
        return ImageOps.pad(image, (size, size), Image.BILINEAR, color=0)
    if mode == "squash":
        image = image.resize((resize, resize), Image.BILINEAR)
    else:
        scale = resize / min(image.size)
        image = image.resize(tuple(max(size, round(side * scale)) for side in image.size), Image.BILINEAR)
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return image.crop((left, top, left + size, top + size))


def read_images(folder, config):
    """DIR/train/CLASS/picture and DIR/test/CLASS/picture: the two parts, the classes' names, and what is to be said of them."""
    if not folder:
        raise UserError("images: the folder is not known: give --data images:DIR, with DIR/train/CLASS and DIR/test/CLASS")
    folder = Path(folder)
    names = class_folders(folder / "train")
    _require_same(folder / "test", class_folders(folder / "test"), names)
    order = "number" if is_numbered(names) else "name"
    notes = [f"{folder / 'train'}: classes are its {len(names)} folders by {order}: {listed(names)}"]
    parts = []
    for part in ("train", "test"):
        images, said = read_part(folder / part, names, config["input"])
        parts.append(images)
        notes += said
    return *parts, names, notes


def read_lists(place, config):
    """PREFIX_train.txt and PREFIX_test.txt, lines of a path below ROOT and a class's number, as PREFIX:ROOT. What read_images gives.

    PREFIX_names.txt has the classes' names, one a line; without it they are named by their numbers.
    """
    prefix, _, root = place.partition(":")
    if not prefix or not root:
        raise UserError("list: its files are not known: give --data list:PREFIX:ROOT, with PREFIX_train.txt and PREFIX_test.txt")
    classes = config["networks"]["classifier"]["params"]["num_classes"]
    names = [str(label) for label in range(classes)]
    if Path(f"{prefix}_names.txt").is_file():
        names = _lines(f"{prefix}_names.txt")
    parts, notes = [], []
    for part in ("train", "test"):
        path = f"{prefix}_{part}.txt"
        paths, labels = [], []
        for number, line in enumerate(_lines(path), 1):
            name, _, label = line.rpartition(" ")
            if not name or not (label.isascii() and label.isdigit()) or int(label) >= len(names):
                raise UserError(f"{path}: line {number} is not a path and a class from 0 to {len(names) - 1}: correct it")
            paths.append(Path(root) / name)
            labels.append(int(label))
        images, said = _decodable(path, paths, labels, config["input"])
        parts.append(images)
        notes += said
    return *parts, names, notes


def _lines(path):
    """Of a text file, without empty ones, whatever system ended them."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise UserError(f"{path}: no such file, or not UTF-8 text: name the lists as list:PREFIX:ROOT") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def class_folders(folder):
    """The names of its folders in the order of their classes: of numbers where all are, else of names. Hidden ones are none."""
    entries = folder.iterdir() if folder.is_dir() else []
    names = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    if not names:
        raise UserError(f"{folder}: holds no folders of classes: give each class a folder with its pictures there")
    if not is_numbered(names):
        return names
    names.sort(key=int)
    for one, next in zip(names, names[1:]):
        if int(one) == int(next):
            raise UserError(f"{folder / next}: has the number of {one}: rename one of the two")
    return names


def is_numbered(names):
    return all(name.isascii() and name.isdigit() for name in names)


def _require_same(folder, names, expected):
    for name in names:
        if name not in expected:
            raise UserError(f"{folder / name}: is no class of {folder.parent / 'train'}: rename or remove the folder")
    for name in expected:
        if name not in names:
            raise UserError(f"{folder / name}: no such folder, but {folder.parent / 'train'} has this class: add pictures of it")


def read_part(folder, names, options):
    """The pictures that can be decoded, class by class in the order of their names, and one line for each kind passed over."""
    paths, labels, other = [], [], collections.Counter()
    for label, name in enumerate(names):
        for path in _files_below(folder / name):
            if path.suffix.lower() not in ENDINGS:
                other[path.suffix.lower() or path.name] += 1
            else:
                paths.append(path)
                labels.append(label)
    notes = []
    if other:
        kinds = listed([f"{ending} ({count})" for ending, count in other.most_common()])
        notes.append(f"{folder}: {sum(other.values())} files of other kinds passed over: {kinds}")
    images, said = _decodable(folder, paths, labels, options)
    return images, notes + said


def _decodable(source, paths, labels, options):
    """Of the pictures those that can be decoded, and a line about the others. `source`: the folder or list that they come from."""
    kept = {} if len(paths) * 3 * options["size"] ** 2 <= KEPT else None

    def is_decodable(path):
        pixels = _decoded(path, options)
        if kept is not None and pixels is not None:
            kept[path] = pixels
        return pixels is not None

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        fits = list(pool.map(is_decodable, paths))
    broken = [path for path, is_whole in zip(paths, fits) if not is_whole]
    notes = []
    if broken:
        text = f"{source}: {len(broken)} of {len(paths)} pictures cannot be decoded"
        if len(broken) > max(FEW_BROKEN, BROKEN_SHARE * len(paths)):
            raise UserError(f"{text}, more than one in {round(1 / BROKEN_SHARE)}: repair or remove {listed(broken)}")
        notes.append(f"{text} and are passed over: {listed(broken)}")
    whole = [index for index, is_whole in enumerate(fits) if is_whole]
    labels = torch.tensor([labels[i] for i in whole], dtype=torch.int64)
    return ImageFiles([paths[i] for i in whole], labels, options, kept), notes


def _files_below(folder):
    """The files of a class, also those in folders inside its folder, in the order of their names. Hidden ones are none."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files_below(entry)
        else:
            yield entry


def _decoded(path, options):
    """uint8 [3, size, size]; None where the file is no picture that can be decoded."""
    try:
        image = opened(path, options["ignore_exif"])
    except UNREADABLE:
        return None
    return torch.from_numpy(np.array(shaped(image, options))).permute(2, 0, 1)


def listed(items):
    """The first few by name, the rest by number."""
    more = f" and {len(items) - NAMED} more" if len(items) > NAMED else ""
    return ", ".join(str(item) for item in items[:NAMED]) + more
