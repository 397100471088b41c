"""rarebit-convert as functions: its options are keyword arguments, its report is a dictionary."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Mapping, Optional, Sequence, Union

import numpy as np

PathLike = Union[str, "os.PathLike[str]"]


class ConverterError(Exception):
    """What the converter refuses, in its one line. `status` is its exit code: 2 for what is asked wrongly, else 1."""

    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status


def convert(
    network: object, output: PathLike, *, calibration: Union[str, Sequence[Any], "np.ndarray"],
    config: Union[PathLike, Mapping[str, Any], None] = None, progress: bool = False, **options: Any,
) -> dict[str, Any]:  # fmt: skip
    """Converts a trained network into one int8 file, and answers the converter's report.

    `network`: the path of a checkpoint (PyTorch, safetensors, ONNX), a PyTorch module, or a dictionary of its tensors.
    `calibration`: a data set as the converter names it ("images:DIR", "cifar10:DIR", ...), or pictures, each an array uint8
    [height, width, 3] in RGB. `config`: the path of a YAML configuration, or what would stand in it. Every option of
    `rarebit-convert convert` is a keyword with underscores: `class_counts="counts.txt"`, `mean=(0.5, 0.5, 0.5)`,
    `input="3x224x224"`. `progress`: shows the converter's bars on standard error.

    Raises `ConverterError` with the converter's line; an existing `output` is then as it was.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        arguments = [
            "convert", _checkpoint(network, folder), "--output", os.fspath(output), "--calibrate",
            _pictures(calibration, folder)]  # fmt: skip
        if config is not None:
            arguments += ["--config", _configuration(config, folder)]
        report = folder / "report.json"
        _run([*arguments, "--report", str(report), *_options(options)], progress)
        return json.loads(report.read_text())


def evaluate(
    file: PathLike, data: str, *, against: Optional[PathLike] = None, progress: bool = False, **options: Any
) -> dict[str, Any]:
    """Measures the accuracy of a model or a checkpoint by class frequency, and answers the report.

    `data`: a data set as the converter names it. `against`: the checkpoint that a model came from. Options are keywords as
    for `convert`: `alpha=(0, 0.7)`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        arguments = ["evaluate", os.fspath(file), "--data", data, "--json", str(report)]
        if against is not None:
            arguments += ["--against", os.fspath(against)]
        _run([*arguments, *_options(options)], progress)
        return json.loads(report.read_text())


def _program() -> str:
    beside = Path(__file__).with_name("rarebit-convert")
    program = os.environ.get("RAREBIT_CONVERT") or (str(beside) if beside.exists() else shutil.which("rarebit-convert"))
    if not program:
        raise ConverterError(
            2, "this package was built without rarebit-convert, and PATH has none; convert on an x86_64 machine")  # fmt: skip
    return program


def _run(arguments: list[str], progress: bool) -> None:
    result = subprocess.run(
        [_program(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=None if progress else subprocess.PIPE, text=True)  # fmt: skip
    if result.returncode == 0:
        return
    if result.returncode < 0:
        raise ConverterError(result.returncode, f"rarebit-convert was ended by signal {-result.returncode}")
    lines = (result.stderr or "").strip().splitlines()
    told = [line for line in lines if line.startswith(("rarebit-convert: ", "Error: "))] or lines
    text = told[0] if told else f"rarebit-convert ended with status {result.returncode}; its line is above"
    raise ConverterError(result.returncode, text.split(": ", 1)[-1] if told else text)


def _options(options: Mapping[str, Any]) -> list[str]:
    arguments = []
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            arguments.append(option)
        elif value is not None and value is not False:
            many = isinstance(value, (list, tuple, np.ndarray))
            arguments += [option, ",".join(map(str, value)) if many else os.fspath(value) if _is_path(value) else str(value)]
    return arguments


def _is_path(value: object) -> bool:
    return isinstance(value, os.PathLike)


def _checkpoint(network: object, folder: Path) -> str:
    if isinstance(network, (str, os.PathLike)):
        return os.fspath(network)
    tensors = network.state_dict() if hasattr(network, "state_dict") else network
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(tensors, Mapping):
        raise TypeError("network must be the path of a checkpoint, a PyTorch module or a dictionary of its tensors")
    path = folder / "network.pt"
    torch.save({name: tensor.detach().cpu() for name, tensor in tensors.items()}, path)
    return str(path)


def _pictures(calibration: Union[str, Sequence[Any], "np.ndarray"], folder: Path) -> str:
    if isinstance(calibration, str):
        return calibration
    names = []
    for number, picture in enumerate(calibration):
        pixels = np.asarray(picture)
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise TypeError(f"picture {number} of calibration must be uint8 [height, width, 3]: it is {pixels.dtype} "
                            f"{list(pixels.shape)}")  # fmt: skip
        name = f"{number:08}.ppm"
        header = b"P6 %d %d 255\n" % (pixels.shape[1], pixels.shape[0])
        (folder / name).write_bytes(header + np.ascontiguousarray(pixels).tobytes())
        names.append(f"{name} 0\n")
    listed = folder / "pictures.txt"
    listed.write_text("".join(names))
    return f"list:{listed}:{folder}"


def _configuration(config: Union[PathLike, Mapping[str, Any]], folder: Path) -> str:
    if isinstance(config, (str, os.PathLike)):
        return os.fspath(config)
    path = folder / "config.yaml"
    path.write_text(json.dumps(config, indent=1))  # JSON is YAML
    return str(path)
