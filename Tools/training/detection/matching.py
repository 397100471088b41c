"""Which boxes are trained towards what: matching by overlap, and the sample that the losses see."""

import torch

from detection import boxes as box


BACKGROUND, IGNORED = -1, -2


def matched(candidates, truth, positive, negative, every_truth=None):
    """For each of `candidates` [N, 4] the index of its box among `truth` [M, 4], or BACKGROUND, or IGNORED.

    A candidate goes to the box that it overlaps most where that is at least `positive`, and is background below `negative`.
    With `every_truth` a box that nothing overlaps so much still gets the candidates that overlap it most, by at least that.
    """
    result = torch.full((len(candidates),), BACKGROUND, device=candidates.device)
    if len(truth) == 0:
        return result
    shared = box.overlaps(candidates, truth)
    most, nearest = shared.max(dim=1)
    result[most >= negative] = IGNORED
    result[most >= positive] = nearest[most >= positive]
    if every_truth is not None:
        best = shared.max(dim=0).values
        # Of several boxes a candidate is the best of, the last one gets it, as in mmdet.
        for index in range(len(truth)):
            if best[index] >= every_truth:
                result[shared[:, index] == best[index]] = index
    return result


def sampled(matches, count, share, generator):
    """At most `count` indices into `matches`, of which at most `share` are matched and the rest background, both drawn."""
    foreground = _drawn(torch.nonzero(matches >= 0).flatten(), int(count * share), generator)
    background = _drawn(torch.nonzero(matches == BACKGROUND).flatten(), count - len(foreground), generator)
    return torch.cat([foreground, background])


def _drawn(indices, count, generator):
    if len(indices) <= count:
        return indices
    # Drawn on the CPU, whose generator a resumed run repeats.
    return indices[torch.randperm(len(indices), generator=generator)[:count].to(indices.device)]
