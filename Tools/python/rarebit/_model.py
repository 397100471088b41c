"""A model that runs: pictures in, answers out."""

from __future__ import annotations

import ctypes
import os
import threading
from ctypes import byref, c_float, c_int32, c_size_t, pointer
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Optional, Sequence, Union

import numpy as np

from . import _library as lib

_ALIGNMENT = 64
_FORMATS = {1: "GREY", 3: "RGB3", 4: "AB24"}  # by channels; AB24 is R G B A in memory


@dataclass(frozen=True)
class Ranked:
    """A class, and what speaks for it in a picture."""

    index: int
    name: str
    probability: float  #: softmax of the adjusted logits, over the classes that count
    plain_probability: float  #: without the adjustment
    logit: float  #: adjusted
    plain_logit: float


@dataclass(frozen=True)
class Answer:
    """What a model says of one picture."""

    top: list[Ranked]  #: the best first
    is_unknown: bool  #: the best is below the threshold
    alpha: float
    logits: np.ndarray  #: float32 [classes], adjusted, with the prior
    plain_logits: np.ndarray  #: float32 [classes]
    probabilities: np.ndarray  #: float32 [classes], softmax of `logits` over the model's temperature, of all classes
    features: np.ndarray  #: float32 [features], what the classifier gets
    logits_crc: str  #: as `rarebit classify --json` prints it


@dataclass(frozen=True)
class Answers:
    """What a model says of many pictures: arrays with a row a picture."""

    logits: np.ndarray  #: float32 [pictures, classes], adjusted
    plain_logits: np.ndarray
    probabilities: np.ndarray
    features: np.ndarray  #: float32 [pictures, features]

    @property
    def best(self) -> np.ndarray:
        """int64 [pictures]: the class of the highest adjusted logit."""
        return self.logits.argmax(axis=1)


class Model:
    """A .rbit file, verified, and an engine for it.

    A model is safe to use from several threads, which then take turns; give each a model of its own where they should not.
    Raises `RarebitError` for a file that is none, with one line that says what to do.
    """

    def __init__(
        self, path: Union[str, os.PathLike[str]], *, threads: int = 1, instructions: Optional[str] = None,
        trust: Union[str, os.PathLike[str], None] = None,
    ):  # fmt: skip
        """`threads`: on how many to compute. `instructions`: "avx2", "neon", ...; None: the best of this processor.
        `trust`: a file of public keys, such as `rarebit-convert keygen` writes: one of their owners must have signed the model.
        """
        self._lock = threading.Lock()
        self._place, self._engine = lib.ModelPlace(), lib.EnginePlace()
        self._views: dict[tuple[int, int, int], tuple[lib.ViewPlace, np.ndarray]] = {}
        if trust is None:
            lib.call("rarebit_open", byref(self._place), os.fsencode(path))
        else:
            keys = Path(trust).read_bytes()
            lib.call("rarebit_open_trusted", byref(self._place), os.fsencode(path), keys, len(keys))
        self.signer: Optional[str] = self._signer()  #: the name of who signed it; None: nobody
        about = lib.Description()
        lib.call("rarebit_describe", byref(self._place), byref(about))
        self.width: int = about.width  #: of the input, pixels
        self.height: int = about.height
        self.alpha: float = about.alpha  #: the adjustment's strength that stands in the file
        self.has_adjustment = bool(about.has_adjustment)  #: whether alpha makes a difference
        self.features: int = about.features  #: dimensions of the feature vector
        self.classes: list[str] = [self._name(index) for index in range(about.classes)]
        counts = [lib.LIBRARY.rarebit_class_count(byref(self._place), index) for index in range(about.classes)]
        #: how many training images each class had; None where the file does not say
        self.class_counts: Optional[list[int]] = None if -1 in counts else counts
        setup = lib.Setup(threads, instructions.encode() if instructions is not None else None, 1)
        size = c_size_t()
        lib.call("rarebit_arena_bytes", byref(self._place), byref(setup), byref(size))
        self._arena = _aligned(size.value)
        lib.call("rarebit_start", byref(self._engine), byref(self._place), byref(setup), self._arena.ctypes.data, size)
        self.instructions: str = lib.LIBRARY.rarebit_instructions(byref(self._engine)).decode("ascii")

    def __del__(self) -> None:
        engine = getattr(self, "_engine", None)
        if engine is not None:
            lib.LIBRARY.rarebit_stop(byref(engine))
            lib.LIBRARY.rarebit_close(byref(self._place))

    def __repr__(self) -> str:
        return f"<rarebit.Model of {len(self.classes)} classes, {self.width}x{self.height}, {self.instructions}>"

    def __call__(
        self, picture: object, *, alpha: Optional[float] = None, top: int = 3, classes: Optional[Sequence[int]] = None,
        threshold: float = 0.0, prior: Optional[Sequence[float]] = None,
    ) -> Answer:  # fmt: skip
        """Answers one picture: uint8 [height, width, 3] in RGB, [height, width, 4] in RGBA, whose A is ignored, or
        [height, width] in grey; whatever NumPy makes such an array of, a Pillow image for one.

        `alpha`: strength of the adjustment, 0 for the plain classifier; None: the model's own. `classes`: the numbers of those
        that count; None: all. `threshold`: below this probability the answer is unknown. `prior`: how frequent each class is
        where the picture was taken; the model must know its training counts.
        """
        with self._lock:
            record = self._run(picture, alpha, top, classes, threshold, prior)
            logits, plain, probabilities, features = (part.copy() for part in self._outputs())
        ranked = [
            Ranked(
                one.class_index, self.classes[one.class_index], one.probability, one.plain_probability, one.logit,
                one.plain_logit)
            for one in record.classes[: record.count]
        ]  # fmt: skip
        return Answer(
            ranked, bool(record.is_unknown), record.alpha, logits, plain, probabilities, features,
            f"{record.logits_crc:08x}")  # fmt: skip

    def batch(
        self, pictures: Iterable[object], *, alpha: Optional[float] = None, prior: Optional[Sequence[float]] = None
    ) -> Answers:
        """Answers pictures one after the other, each of any size: a list, or an array [pictures, height, width, 3]."""
        rows: tuple[list[np.ndarray], ...] = ([], [], [], [])
        for picture in pictures:
            with self._lock:
                self._run(picture, alpha, 1, None, 0.0, prior)
                for row, part in zip(rows, self._outputs()):
                    row.append(part.copy())
        widths = (len(self.classes),) * 3 + (self.features,)
        return Answers(*(np.array(row, np.float32).reshape(len(row), width) for row, width in zip(rows, widths)))

    def _signer(self) -> Optional[str]:
        size = c_size_t()
        start = lib.LIBRARY.rarebit_signer(byref(self._place), byref(size))
        return ctypes.string_at(start, size.value).decode("utf-8") if start else None

    def _name(self, index: int) -> str:
        size = c_size_t()
        start = lib.LIBRARY.rarebit_class_name(byref(self._place), index, byref(size))
        return ctypes.string_at(start, size.value).decode("utf-8")

    def _run(
        self, picture: object, alpha: Optional[float], top: int, classes: Optional[Sequence[int]], threshold: float,
        prior: Optional[Sequence[float]],
    ) -> lib.AnswerRecord:  # fmt: skip
        rules = lib.Rules(alpha=float("nan") if alpha is None else alpha, threshold=threshold, top=top)
        if classes is not None:
            chosen = sorted(set(classes))
            rules.classes = (c_int32 * len(chosen))(*chosen)
            rules.class_count = len(chosen)
        if prior is not None:
            rules.offsets = (c_float * len(self.classes))(*self._offsets(prior))
        self._show(picture)
        record = lib.AnswerRecord()
        lib.call("rarebit_run", byref(self._engine), byref(rules), byref(record))
        return record

    def _offsets(self, prior: Sequence[float]) -> np.ndarray:
        """ln(expected share) - ln(share in training) of each class."""
        if self.class_counts is None:
            raise ValueError("the model does not say how many training images its classes had; convert it with class_counts")
        expected, counts = np.asarray(prior, np.float64), np.asarray(self.class_counts, np.float64)
        if expected.shape != counts.shape or not (expected > 0).all() or not (counts > 0).all():
            raise ValueError(f"prior must be {len(counts)} numbers above 0, one a class, each of which was in training")
        return np.log(expected / expected.sum()) - np.log(counts / counts.sum())

    def _show(self, picture: object) -> None:
        pixels = np.asarray(picture)
        channels = 1 if pixels.ndim == 2 else pixels.shape[2] if pixels.ndim == 3 else 0
        if pixels.dtype != np.uint8 or channels not in _FORMATS:
            raise ValueError(
                f"a picture is uint8 [height, width, 3] (RGB), [height, width, 4] or [height, width]; this is {pixels.dtype} "
                f"{list(pixels.shape)}")  # fmt: skip
        pixels = np.ascontiguousarray(pixels)
        height, width = pixels.shape[:2]
        view = self._view(lib.fourcc(_FORMATS[channels]), width, height)
        shown = lib.Picture()
        shown.data[0], shown.bytes[0] = pixels.ctypes.data, pixels.nbytes
        lib.call("rarebit_show", byref(self._engine), byref(view), byref(shown))

    def _view(self, pixel_format: int, width: int, height: int) -> lib.ViewPlace:
        """The way from pictures of a format and size, of which the last few are kept."""
        key = (pixel_format, width, height)
        if key not in self._views:
            geometry = lib.Geometry(format=pixel_format, width=width, height=height)
            size, view = c_size_t(), lib.ViewPlace()
            lib.call("rarebit_view_bytes", byref(self._place), byref(geometry), byref(size))
            workspace = _aligned(size.value)
            lib.call(
                "rarebit_view_start", byref(view), byref(self._place), byref(geometry), workspace.ctypes.data, size)  # fmt: skip
            if len(self._views) == 8:
                self._views.pop(next(iter(self._views)))
            self._views[key] = view, workspace
        return self._views[key][0]

    def _outputs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Logits, plain logits, probabilities and features, in the engine's memory."""
        outputs = lib.Outputs()
        lib.call("rarebit_outputs_of", byref(self._engine), byref(outputs))
        classes, features = (outputs.classes,), (outputs.features,)
        return (
            np.ctypeslib.as_array(outputs.logits, classes), np.ctypeslib.as_array(outputs.plain_logits, classes),
            np.ctypeslib.as_array(outputs.probabilities, classes),
            np.ctypeslib.as_array(outputs.feature_vector, features))  # fmt: skip


def _aligned(size: int) -> np.ndarray:
    """Memory that starts at a multiple of 64 bytes."""
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size]
