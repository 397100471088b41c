"""convert.py RUNTIME [NETWORK]...: int8 by each runtime's own route, from the same networks and the same calibration pictures.

RUNTIME is rarebit, onnxruntime, openvino, ncnn, litert or executorch. Each runs in an environment that has it (`setup`).
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import pictures

ROOT = Path(__file__).resolve().parents[2]


def rarebit(name, place):
    side, _ = pictures.NETWORKS[name]
    folder = place / "calibration/pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for index, pixels in enumerate(pictures.pictures(name, pictures.CALIBRATION, seed=1)):
        (folder / f"{index}.ppm").write_bytes(b"P6\n%d %d\n255\n" % (side, side) + pixels.tobytes())
    size = f"3x{side}x{side}"
    number = ",".join([repr(pictures.MEAN)] * 3), ",".join([repr(pictures.STD)] * 3)
    data = f"images:{folder.parent}"
    run(ROOT / ".build/release/rarebit-convert", "convert", place / "state.pth", "--input", size, "--mean", number[0],
        "--std", number[1], "--calibrate", data, "--estimate-direction", data, "-o", place / "rarebit.rbit")


def onnxruntime(name, place):
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.pictures = iter(pictures.calibration(name))

        def get_next(self):
            picture = next(self.pictures, None)
            return None if picture is None else {"input": picture[None]}

    quant_pre_process(place / "network.onnx", place / "onnxruntime-prepared.onnx")
    # Unsigned activations: signed ones are about three times slower on x86_64.
    quantize_static(
        place / "onnxruntime-prepared.onnx", place / "onnxruntime.onnx", Reader(), quant_format=QuantFormat.QDQ,
        per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax)


def openvino(name, place):
    import nncf
    import openvino as ov

    side, _ = pictures.NETWORKS[name]
    network = ov.convert_model(place / "network.onnx", input=[1, 3, side, side])
    data = nncf.Dataset([picture[None] for picture in pictures.calibration(name)])
    quantized = nncf.quantize(network, data, target_device=nncf.TargetDevice.CPU, subset_size=pictures.CALIBRATION)
    ov.save_model(quantized, place / "openvino.xml", compress_to_fp16=False)


def ncnn(name, place):
    import torch

    import networks

    side, _ = pictures.NETWORKS[name]
    tools = Path(os.environ.get("NCNN_TOOLS") or sys.exit("convert: NCNN_TOOLS must name the folder of ncnn2table and ncnn2int8"))
    networks.OptionA.as_pooling = True
    torch.jit.trace(networks.made(name), torch.zeros(1, 3, side, side)).save(place / "traced.pt")
    run("pnnx", "traced.pt", f"inputshape=[1,3,{side},{side}]", "fp16=0", folder=place)
    lines = []
    for index, picture in enumerate(pictures.calibration(name)):
        lines.append(f"ncnn-{index}.npy")
        np.save(place / lines[-1], picture)
    (place / "ncnn-calibration.txt").write_text("\n".join(lines) + "\n")
    float32 = "traced.ncnn.param", "traced.ncnn.bin"
    run(tools / "ncnn2table", *float32, "ncnn-calibration.txt", "ncnn.table", f"shape=[{side},{side},3]", "thread=2",
        "method=kl", "type=1", folder=place)
    run(tools / "ncnn2int8", *float32, "ncnn.param", "ncnn.bin", "ncnn.table", folder=place)


def litert(name, place):
    import litert_torch
    import torch
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import quantizer, recipe

    import networks

    side, _ = pictures.NETWORKS[name]
    network = litert_torch.to_channel_last_io(networks.made(name), args=[0])
    float32 = str(place / "litert-float32.tflite")
    litert_torch.convert(network, (torch.zeros(1, side, side, 3),)).export(float32)
    signatures = Interpreter(float32).get_signature_list()
    signature = next(iter(signatures))
    argument = signatures[signature]["inputs"][0]
    data = [{argument: np.ascontiguousarray(p.transpose(1, 2, 0)[None])} for p in pictures.calibration(name)]
    quantization = quantizer.Quantizer(float32, recipe.static_wi8_ai8())
    ranges = quantization.calibrate({signature: data})
    quantization.quantize(ranges).export_model(str(place / "litert.tflite"), overwrite=True)


def executorch(name, place):
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer, get_symmetric_quantization_config
    from executorch.exir import to_edge_transform_and_lower
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    import networks

    side, _ = pictures.NETWORKS[name]
    example, network = (torch.zeros(1, 3, side, side),), networks.made(name)
    quantization = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    observed = prepare_pt2e(torch.export.export(network, example).module(), quantization)
    for picture in torch.from_numpy(pictures.calibration(name)):
        observed(picture[None])
    exported = torch.export.export(convert_pt2e(observed), example)
    lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    (place / "executorch.pte").write_bytes(lowered.to_executorch().buffer)


def run(*command, folder=None):
    subprocess.run(list(map(str, command)), check=True, cwd=folder)


RUNTIMES = {f.__name__: f for f in (rarebit, onnxruntime, openvino, ncnn, litert, executorch)}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in RUNTIMES:
        sys.exit(__doc__)
    for network in sys.argv[2:] or pictures.NETWORKS:
        RUNTIMES[sys.argv[1]](network, pictures.folder(network))
