"""From scenes to what a network is trained on and measured on."""

import torch

import data
from detection import scenes


class Images:
    """What the network is shown: scenes through the stages that are not trained, which are computed once for each picture."""

    def __init__(self, config, network, device):
        self.config, self.network, self.device = config, network, device
        self.size = config["input"]["width"], config["input"]["height"]
        self.kept = {}

    def trained_on(self, drawn):
        """Of scenes, each with whether it is mirrored: maps, the images' size, of each its boxes and classes, and its masks or None."""
        shown = [self._shown(scene, is_mirrored) for scene, is_mirrored in drawn]
        truths = [scenes.truth(scene, placement, is_mirrored) for (scene, is_mirrored), (_, placement) in zip(drawn, shown)]
        truths = [(boxes.to(self.device), classes.to(self.device)) for boxes, classes in truths]
        masks = None
        if self.config["networks"]["detector"]["masks"]:
            options = self.config["input"]
            masks = [scenes.true_masks(scene, options, place, is_mirrored) for (scene, is_mirrored), (_, place) in zip(drawn, shown)]
            masks = [one.to(self.device) for one in masks]
        return self._stacked(shown), self.size, truths, masks

    def measured_on(self, scene):
        """Of one scene the maps, the image's size and the placement of the picture on it."""
        shown = self._shown(scene, False)
        return self._stacked([shown]), self.size, shown[1]

    def _shown(self, scene, is_mirrored):
        key = scene.path, is_mirrored
        if key in self.kept:
            return self.kept[key]
        pixels, placement = scenes.on_canvas(scene, self.config["input"], is_mirrored)
        image = data.normalise(pixels[None], self.config, self.device)
        shown = self.network.prefix(image), placement
        # Images themselves would take more memory than it takes time to decode them.
        if self.network.frozen:
            self.kept[key] = shown
        return shown

    def _stacked(self, shown):
        return [torch.cat(level) for level in zip(*(maps for maps, _ in shown))]
