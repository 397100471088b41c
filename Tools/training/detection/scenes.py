"""Pictures with boxes, from annotations in COCO's format."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

import pictures
from config import UserError
from detection import mask_head

# For --help.
SPEC = "coco:ANNOTATIONS.json or coco:ANNOTATIONS.json:DIR, DIR the folder that the pictures' names start from"


@dataclass
class Scene:
    """`boxes` [M, 4] and `classes` [M] are in the picture's own pixels and the data set's order of categories; `masks` in COCO's
    forms, None for a box without one."""

    id: int
    path: Path
    width: int
    height: int
    boxes: torch.Tensor
    classes: torch.Tensor
    masks: list


@dataclass
class Scenes:
    """A part of a data set. `annotations`: the file, which the evaluation reads itself; `category_ids`: of each class."""

    annotations: Path
    scenes: list[Scene]
    names: list[str]
    category_ids: list[int]
    notes: list[str] = field(default_factory=list)

    def __len__(self):
        return len(self.scenes)

    @property
    def counts(self):
        """Of each class the pictures that show it: by these it is frequent, common or rare."""
        held = torch.stack([torch.bincount(scene.classes, minlength=len(self.names)) > 0 for scene in self.scenes])
        return held.sum(dim=0).tolist()


def load(spec):
    """Every annotation is checked: a fault is an error that names the first one and how many there are."""
    kind, _, place = spec.partition(":")
    annotations, _, folder = place.partition(":")
    if kind != "coco" or not annotations:
        raise UserError(f"data {spec!r} is unknown: use {SPEC}")
    path = Path(annotations)
    contents = _read(path)
    categories = sorted(contents["categories"], key=lambda category: category["id"])
    classes = {category["id"]: label for label, category in enumerate(categories)}
    if len(classes) != len(categories) or not categories:
        raise UserError(f"{path}: categories need an id each, none twice: correct the file")
    images = {image["id"]: image for image in contents["images"]}
    if len(images) != len(contents["images"]) or not images:
        raise UserError(f"{path}: images need an id each, none twice: correct the file")
    boxes, crowds = _boxes_of(path, contents["annotations"], images, classes)
    root = Path(folder) if folder else path.parent
    scenes = []
    for number, image in images.items():
        held = boxes.get(number, [])
        corners = torch.tensor([box for box, _, _ in held], dtype=torch.float32).view(-1, 4)
        labels = torch.tensor([label for _, label, _ in held], dtype=torch.int64)
        masks = [mask for _, _, mask in held]
        scenes.append(Scene(number, root / image["file_name"], image["width"], image["height"], corners, labels, masks))
    _require_pictures(path, [scene.path for scene in scenes])
    notes = [f"{path}: {crowds} boxes around crowds passed over"] if crowds else []
    return Scenes(path, scenes, [category["name"] for category in categories], list(classes), notes)


def _read(path):
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8 text'}): name annotations") from None
    except (ValueError, RecursionError):
        raise UserError(f"{path}: is not JSON: name annotations in COCO's format") from None
    for part, fields in FIELDS.items():
        items = contents.get(part) if isinstance(contents, dict) else None
        if not isinstance(items, list):
            raise UserError(f"{path}: has no list {part!r}: name annotations in COCO's format")
        for item in items:
            for name, kind in fields.items():
                value = item.get(name) if isinstance(item, dict) else None
                if not isinstance(value, kind) or isinstance(value, bool):
                    raise UserError(f"{path}: one of {part} has no {name}, or not as COCO has it ({value!r}): correct the file")
    return contents


# What is read of COCO's format.
FIELDS = {
    "images": {"id": int, "file_name": str, "width": int, "height": int},
    "annotations": {"id": int, "image_id": int, "category_id": int, "bbox": list},
    "categories": {"id": int, "name": str},
}


def _boxes_of(path, annotations, images, classes):
    """Of each picture's id its boxes as corners, each with its class and mask; and how many boxes of crowds were passed over."""
    boxes, faults, crowds = {}, [], 0
    for annotation in annotations:
        fault = _fault_of(annotation, images, classes)
        if fault is not None:
            faults.append(f"annotation {annotation['id']} {fault}")
        elif annotation.get("iscrowd"):
            crowds += 1
        else:
            left, top, width, height = annotation["bbox"]
            corners = (left, top, left + width, top + height)
            held = (corners, classes[annotation["category_id"]], annotation.get("segmentation") or None)
            boxes.setdefault(annotation["image_id"], []).append(held)
    if faults:
        more = f", and {len(faults) - 1} more have faults" if len(faults) > 1 else ""
        raise UserError(f"{path}: {faults[0]}{more}: correct the file")
    return boxes, crowds


def _fault_of(annotation, images, classes):
    image, bbox = images.get(annotation["image_id"]), annotation["bbox"]
    if image is None:
        return f"is of picture {annotation['image_id']}, which is not among the images"
    if annotation["category_id"] not in classes:
        return f"is of category {annotation['category_id']}, which is not among the categories"
    if len(bbox) != 4 or not all(isinstance(number, (int, float)) and np.isfinite(number) for number in bbox):
        return f"has the box {bbox}, which is not four numbers"
    left, top, width, height = bbox
    if width <= 0 or height <= 0:
        return f"has the box {bbox}, which holds nothing"
    # Annotations are rounded: a pixel more is no fault.
    if left < -1 or top < -1 or left + width > image["width"] + 1 or top + height > image["height"] + 1:
        return f"has the box {bbox}, which reaches outside its picture of {image['width']}x{image['height']}"
    return None


def _require_pictures(path, files):
    missing = [file for file in files if not file.is_file()]
    if missing:
        named = pictures.listed(missing)
        raise UserError(f"{path}: {len(missing)} of {len(files)} pictures are not there: {named}: name their folder after the file")


@dataclass
class Placement:
    """Where a picture's pixels are on the canvas: at `scale` (across, down) of their size, from `offset` on."""

    scale: torch.Tensor
    offset: torch.Tensor

    def to_canvas(self, boxes):
        return boxes * self.scale.repeat(2) + self.offset.repeat(2)

    def to_picture(self, boxes):
        return (boxes - self.offset.repeat(2)) / self.scale.repeat(2)


def on_canvas(scene, options, mirrored=False):
    """The picture as uint8 [3, H, W] on a canvas of the configuration's `input`, and its Placement.

    The whole picture fits, black around it: `resize_mode: pad` of docs/pictures.md. `mirrored`: left and right changed.
    """
    try:
        image = pictures.opened(scene.path, ignore_exif=True)
    except pictures.UNREADABLE:
        raise UserError(f"{scene.path}: is not a picture that can be decoded: repair it, or take it out of the annotations") from None
    if image.size != (scene.width, scene.height):
        raise UserError(
            f"{scene.path}: has {image.width}x{image.height} pixels, its annotations say {scene.width}x{scene.height}: correct them"
        )
    if mirrored:
        image = ImageOps.mirror(image)
    size = (options["width"], options["height"])
    resized = ImageOps.contain(image, size, Image.BILINEAR)
    canvas = Image.new("RGB", size)
    offset = ((size[0] - resized.width) // 2, (size[1] - resized.height) // 2)
    canvas.paste(resized, offset)
    scale = torch.tensor([resized.width / image.width, resized.height / image.height])
    return torch.from_numpy(np.array(canvas)).permute(2, 0, 1), Placement(scale, torch.tensor(offset).float())


def truth(scene, placement, mirrored):
    """The scene's boxes on the canvas, and their classes."""
    boxes = scene.boxes
    if mirrored:
        boxes = torch.stack([scene.width - boxes[:, 2], boxes[:, 1], scene.width - boxes[:, 0], boxes[:, 3]], dim=1)
    return placement.to_canvas(boxes), scene.classes


def require_same_classes(train, test):
    if train.names != test.names:
        extra = sorted(set(train.names) ^ set(test.names))
        named = pictures.listed(extra) if extra else "their order is another"
        raise UserError(f"{test.annotations}: has other categories than {train.annotations}: {named}: make them the same")


def true_masks(scene, options, placement, mirrored):
    """The scene's masks [M, H, W] of bool on the canvas of the configuration's `input`."""
    width, height = options["width"], options["height"]
    result = torch.zeros(len(scene.masks), height, width, dtype=torch.bool)
    (left, top), (across, down) = (placement.offset.int().tolist(), placement.scale.tolist())
    for number, mask in enumerate(scene.masks):
        whole = mask_head.decoded(mask, scene.width, scene.height)
        if mirrored:
            whole = whole.flip(1)
        image = Image.fromarray(whole.numpy()).resize((round(scene.width * across), round(scene.height * down)), Image.NEAREST)
        result[number, top : top + image.height, left : left + image.width] = torch.from_numpy(np.array(image))
    return result


def require_masks(part):
    bare = [scene.path for scene in part.scenes if None in scene.masks]
    if bare:
        named = pictures.listed(bare)
        raise UserError(f"{part.annotations}: objects of {len(bare)} pictures have no mask: {named}: train without masks")
    for scene in part.scenes:
        if not all(mask_head.is_sound(mask, scene.width, scene.height) for mask in scene.masks):
            raise UserError(f"{part.annotations}: an object of {scene.path} has a mask that cannot be read: correct the file")
