"""The functions and structures of rarebit.h, by ctypes."""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, Structure, byref, c_char, c_char_p, c_float, c_int32, c_int64, c_size_t, c_uint8, c_uint32
from ctypes import c_uint64, c_void_p
from pathlib import Path

ABI = 1
TEXT_BYTES = 512
MOST_CLASSES = 32


class RarebitError(Exception):
    """What the library refuses, in its one line. `code` is one of rarebit.h."""

    def __init__(self, code: int, text: str):
        super().__init__(text)
        self.code = code


class Error(Structure):
    _fields_ = [("code", c_int32), ("text", c_char * TEXT_BYTES)]


class ModelPlace(Structure):
    _fields_ = [("reserved", c_uint64 * 128)]


class EnginePlace(Structure):
    _fields_ = [("reserved", c_uint64 * 320)]


class ViewPlace(Structure):
    _fields_ = [("reserved", c_uint64 * 96)]


class Description(Structure):
    _fields_ = [
        ("classes", c_int32), ("features", c_int32), ("width", c_int32), ("height", c_int32), ("operations", c_int32),
        ("has_adjustment", c_int32), ("alpha", c_float), ("input_scale", c_float), ("input_zero_point", c_int32),
        ("is_bgr", c_int32), ("mean", c_float * 3), ("std", c_float * 3), ("checksum", c_uint32),
    ]  # fmt: skip


class Setup(Structure):
    _fields_ = [("threads", c_int32), ("instructions", c_char_p), ("is_only_engine", c_int32)]


class Geometry(Structure):
    _fields_ = [
        ("format", c_uint32), ("width", c_int32), ("height", c_int32), ("is_bt709", c_int32), ("range", c_int32),
        ("crop_left", c_int32), ("crop_top", c_int32), ("crop_width", c_int32), ("crop_height", c_int32),
        ("quarter_turns", c_int32), ("flips_horizontally", c_int32), ("flips_vertically", c_int32), ("y16_low", c_int32),
        ("y16_high", c_int32), ("y16_is_automatic", c_int32),
    ]  # fmt: skip


class Picture(Structure):
    _fields_ = [("data", c_void_p * 3), ("bytes", c_size_t * 3), ("stride", c_int32 * 3)]


class Rules(Structure):
    _fields_ = [
        ("alpha", c_float), ("threshold", c_float), ("classes", POINTER(c_int32)), ("class_count", c_size_t),
        ("offsets", POINTER(c_float)), ("top", c_int32), ("smoothing", c_float), ("seen_needed", c_int32),
        ("seen_window", c_int32), ("time_ns", c_uint64),
    ]  # fmt: skip


class RankedClass(Structure):
    _fields_ = [
        ("class_index", c_int32), ("probability", c_float), ("frame_probability", c_float),
        ("plain_probability", c_float), ("logit", c_float), ("plain_logit", c_float),
    ]  # fmt: skip


class AnswerRecord(Structure):
    _fields_ = [
        ("alpha", c_float), ("is_unknown", c_int32), ("seen", c_int32), ("logits_crc", c_uint32), ("count", c_int32),
        ("classes", RankedClass * MOST_CLASSES),
    ]  # fmt: skip


class Outputs(Structure):
    _fields_ = [
        ("classes", c_int32), ("features", c_int32), ("plain_logits", POINTER(c_float)), ("logits", POINTER(c_float)),
        ("probabilities", POINTER(c_float)), ("feature_vector", POINTER(c_float)),
    ]  # fmt: skip


def fourcc(name: str) -> int:
    """A pixel format's V4L2 code."""
    return int.from_bytes(name.encode("ascii"), "little")


def _load() -> ctypes.CDLL:
    beside = Path(__file__).with_name("librarebit.so.1")
    library = ctypes.CDLL(os.environ.get("RAREBIT_LIBRARY") or (str(beside) if beside.exists() else "librarebit.so.1"))
    error = POINTER(Error)
    signatures = {
        "rarebit_open": (POINTER(ModelPlace), c_char_p, error),
        "rarebit_open_trusted": (POINTER(ModelPlace), c_char_p, c_char_p, c_size_t, error),
        "rarebit_describe": (POINTER(ModelPlace), POINTER(Description), error),
        "rarebit_arena_bytes": (POINTER(ModelPlace), POINTER(Setup), POINTER(c_size_t), error),
        "rarebit_start": (POINTER(EnginePlace), POINTER(ModelPlace), POINTER(Setup), c_void_p, c_size_t, error),
        "rarebit_view_bytes": (POINTER(ModelPlace), POINTER(Geometry), POINTER(c_size_t), error),
        "rarebit_view_start": (
            POINTER(ViewPlace), POINTER(ModelPlace), POINTER(Geometry), c_void_p, c_size_t, error),  # fmt: skip
        "rarebit_show": (POINTER(EnginePlace), POINTER(ViewPlace), POINTER(Picture), error),
        "rarebit_run": (POINTER(EnginePlace), POINTER(Rules), POINTER(AnswerRecord), error),
        "rarebit_outputs_of": (POINTER(EnginePlace), POINTER(Outputs), error),
    }
    for name, arguments in signatures.items():
        getattr(library, name).argtypes = arguments
        getattr(library, name).restype = c_int32
    library.rarebit_close.argtypes = [POINTER(ModelPlace)]
    library.rarebit_close.restype = None
    library.rarebit_stop.argtypes = [POINTER(EnginePlace)]
    library.rarebit_stop.restype = None
    library.rarebit_class_name.argtypes = [POINTER(ModelPlace), c_int32, POINTER(c_size_t)]
    library.rarebit_class_name.restype = c_void_p
    library.rarebit_signer.argtypes = [POINTER(ModelPlace), POINTER(c_size_t)]
    library.rarebit_signer.restype = c_void_p
    library.rarebit_class_count.argtypes = [POINTER(ModelPlace), c_int32]
    library.rarebit_class_count.restype = c_int64
    library.rarebit_input.argtypes = [POINTER(EnginePlace), POINTER(c_size_t)]
    library.rarebit_input.restype = POINTER(c_uint8)
    library.rarebit_instructions.argtypes = [POINTER(EnginePlace)]
    library.rarebit_instructions.restype = c_char_p
    library.rarebit_version.restype = c_char_p
    if library.rarebit_abi() != ABI:
        raise ImportError(f"librarebit has ABI {library.rarebit_abi()}, and this package is for {ABI}; install both anew")
    return library


LIBRARY = _load()


def call(name: str, *arguments: object) -> None:
    """Calls a function that can fail, and raises what it says."""
    error = Error()
    if getattr(LIBRARY, name)(*arguments, byref(error)) != 0:
        raise RarebitError(error.code, error.text.decode("utf-8", "replace"))


def version() -> str:
    """The library's version."""
    return LIBRARY.rarebit_version().decode("ascii")
