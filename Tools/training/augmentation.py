"""What training changes about its images: crops and flips, RandAugment, Cutout, mixup.

Every draw comes from one generator, so that a resumed run repeats it, and is made for a whole batch, so that it is the same for an
image whichever process prepares the others.
"""

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch.nn import functional as F

# What RandAugment and Cutout uncover: neither dark nor light.
GREY = (128, 128, 128)
# RandAugment's magnitudes go from 0, nothing, to this.
STRONGEST = 10


class Draws:
    """Random numbers for each of a batch's `count` images, of which those of the images at `places` [N] are handed out."""

    def __init__(self, generator, count, places=None):
        self.generator, self.count = generator, count
        self.places = torch.arange(count) if places is None else places

    def integers(self, end, numbers):
        """[N, numbers], from 0 up to `end`, which is none of them."""
        return torch.randint(end, (self.count, numbers), generator=self.generator)[self.places]

    def coins(self):
        """[N, 1]: true or false."""
        return (torch.rand(self.count, 1, generator=self.generator) < 0.5)[self.places]


def augment(pixels, options, draws):
    """`pixels`: uint8 [N, 3, H, W], RGB, and so is the result. `options`: the configuration's training_opt."""
    if options["randaugment"] is not None:
        pixels = rand_augment(pixels, options["randaugment"]["operations"], options["randaugment"]["magnitude"], draws)
    pixels = crop_and_flip(pixels, draws)
    return cut_out(pixels, options["cutout"], draws) if options["cutout"] else pixels


def crop_and_flip(pixels, draws):
    """Random crop after padding by an eighth of the height, and a random left-right flip, different for every image."""
    count, _, height, width = pixels.shape
    margin = height // 8
    padded = F.pad(pixels, (margin,) * 4)
    top, left = draws.integers(2 * margin + 1, 1), draws.integers(2 * margin + 1, 1)
    flip = draws.coins()
    rows = top + torch.arange(height)
    columns = torch.arange(width)
    columns = left + torch.where(flip, columns.flip(0), columns)
    image = torch.arange(count)
    # The index brings the channels last; the result is viewed as [N, 3, H, W] again.
    return padded[image[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def cut_out(pixels, side, draws):
    """A grey square of `side` pixels somewhere on each image, in part beyond its edge (DeVries and Taylor, 2017)."""
    height, width = pixels.shape[2:]
    y, x = draws.integers(height, 1) - side // 2, draws.integers(width, 1) - side // 2
    rows, columns = torch.arange(height), torch.arange(width)
    in_rows, in_columns = (rows >= y) & (rows < y + side), (columns >= x) & (columns < x + side)
    inside = in_rows[:, None, :, None] & in_columns[:, None, None, :]
    return torch.where(inside, torch.tensor(GREY[0], dtype=torch.uint8), pixels)


def partners(share, count, generator):
    """For mixup (Zhang et al., ICLR 2018): which image of a batch is blended into each [count], and how much of its own is left.

    The one part for the whole batch is drawn from Beta(share, share).
    """
    seed = int(torch.randint(2**62, (), generator=generator))
    own = float(np.random.default_rng(seed).beta(share, share))
    return torch.randperm(count, generator=generator), own


def rand_augment(pixels, operations, magnitude, draws):
    """So many operations on each image, drawn from all, at one magnitude (Cubuk et al., NeurIPS 2020)."""
    chosen = draws.integers(len(OPERATIONS), operations).tolist()
    signs = (1 - 2 * draws.integers(2, operations)).tolist()
    strength = magnitude / STRONGEST
    results = []
    for image, names, directions in zip(pixels.permute(0, 2, 3, 1).numpy(), chosen, signs):
        picture = Image.fromarray(np.ascontiguousarray(image))
        for name, direction in zip(names, directions):
            picture = OPERATIONS[name](picture, strength, direction)
        results.append(np.asarray(picture))
    return torch.from_numpy(np.stack(results)).permute(0, 3, 1, 2)


def _moved(image, matrix):
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=GREY)


def _enhanced(kind):
    # At full strength by 0.9 less or more; 1 is the image itself.
    return lambda image, strength, sign: kind(image).enhance(1 + 0.9 * strength * sign)


# (image, strength 0 to 1, sign of what has two directions); the largest changes are the paper's.
OPERATIONS = (
    lambda image, strength, sign: image,
    lambda image, strength, sign: ImageOps.autocontrast(image),
    lambda image, strength, sign: ImageOps.equalize(image),
    lambda image, strength, sign: image.rotate(30 * strength * sign, Image.Resampling.BILINEAR, fillcolor=GREY),
    lambda image, strength, sign: ImageOps.solarize(image, round(256 * (1 - strength))),
    lambda image, strength, sign: ImageOps.posterize(image, 8 - round(4 * strength)),
    lambda image, strength, sign: _moved(image, (1, 0.3 * strength * sign, 0, 0, 1, 0)),
    lambda image, strength, sign: _moved(image, (1, 0, 0, 0.3 * strength * sign, 1, 0)),
    lambda image, strength, sign: _moved(image, (1, 0, image.width / 3 * strength * sign, 0, 1, 0)),
    lambda image, strength, sign: _moved(image, (1, 0, 0, 0, 1, image.height / 3 * strength * sign)),
    _enhanced(ImageEnhance.Color),
    _enhanced(ImageEnhance.Contrast),
    _enhanced(ImageEnhance.Brightness),
    _enhanced(ImageEnhance.Sharpness),
)
