"""timing.py RUNTIME NETWORK THREADS: times one network on one runtime in this process, and prints a line of JSON.

A step is a float32 picture in (LiteRT: int8, as its network has it) and logits out, by the leanest entry that the runtime has from
Python. Whoever calls pins the process to its cores. `others` is the share of those cores that other processes took.
"""

import json
import os
import resource
import sys
import time

import numpy as np

import pictures

WARM_SECONDS, SECONDS, LEAST_RUNS, MOST_RUNS = 0.7, 5.0, 50, 2000


class ONNXRuntime:
    def __init__(self, name, place, threads):
        import onnxruntime

        side, classes = pictures.NETWORKS[name]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        file = str(place / "onnxruntime.onnx")
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.value = onnxruntime.OrtValue.ortvalue_from_numpy
        self.logits = self.value(np.zeros((1, classes), np.float32))
        self.binding = self.session.io_binding()
        self.binding.bind_ortvalue_output("output", self.logits)

    def take(self, picture):
        self.binding.bind_ortvalue_input("input", self.value(picture[None]))

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def answer(self):
        return self.logits.numpy()


class OpenVINO:
    def __init__(self, name, place, threads):
        import openvino

        core = openvino.Core()
        options = {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False}
        network = core.read_model(place / "openvino.xml")
        self.request = core.compile_model(network, "CPU", options).create_infer_request()
        self.input = self.request.get_input_tensor()
        self.run = self.request.infer

    def take(self, picture):
        self.input.data[...] = picture

    def answer(self):
        return self.request.get_output_tensor().data


class NCNN:
    def __init__(self, name, place, threads):
        import ncnn

        self.network = ncnn.Net()
        self.network.opt.use_vulkan_compute, self.network.opt.num_threads = False, threads
        self.network.load_param(str(place / "ncnn.param"))
        self.network.load_model(str(place / "ncnn.bin"))
        self.names = self.network.input_names()[0], self.network.output_names()[0]
        self.matrix = ncnn.Mat

    def take(self, picture):
        self.picture = picture.copy()
        self.input = self.matrix(self.picture)  # shares the array's memory

    def run(self):
        extractor = self.network.create_extractor()
        extractor.input(self.names[0], self.input)
        self.output = extractor.extract(self.names[1])[1]

    def answer(self):
        return np.array(self.output)


class LiteRT:
    def __init__(self, name, place, threads):
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(str(place / "litert.tflite"), num_threads=threads)  # with XNNPACK
        self.interpreter.allocate_tensors()
        self.input, self.output = self.interpreter.get_input_details()[0], self.interpreter.get_output_details()[0]

    def take(self, picture):
        value, kind = picture.transpose(1, 2, 0)[None], self.input["dtype"]
        if kind != np.float32:
            scale, zero_point = self.input["quantization"]
            value = np.clip(np.round(value / scale) + zero_point, -128, 127)
        self.picture = np.ascontiguousarray(value.astype(kind))

    def run(self):
        self.interpreter.set_tensor(self.input["index"], self.picture)
        self.interpreter.invoke()

    def answer(self):
        logits = self.interpreter.get_tensor(self.output["index"]).astype(np.float32)
        scale, zero_point = self.output["quantization"]
        return (logits - zero_point) * scale if self.output["dtype"] != np.float32 else logits


class ExecuTorch:
    def __init__(self, name, place, threads):
        import torch
        from executorch.extension.pybindings import portable_lib

        portable_lib._unsafe_reset_threadpool(threads)
        self.program = portable_lib._load_for_executorch(str(place / "executorch.pte"))
        self.tensor = torch.from_numpy

    def take(self, picture):
        self.input = (self.tensor(picture[None].copy()),)

    def run(self):
        self.output = self.program.forward(self.input)

    def answer(self):
        return self.output[0].numpy()


RUNTIMES = {
    "onnxruntime": ONNXRuntime, "openvino": OpenVINO, "ncnn": NCNN, "litert": LiteRT, "executorch": ExecuTorch}


def processor_seconds():
    """What everybody, and what this process, spent on the cores that it may use."""
    cores, all_of_them = os.sched_getaffinity(0), 0
    with open("/proc/stat") as file:
        for line in file:
            name, *times = line.split()
            if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in cores:
                all_of_them += sum(map(int, times[:3]))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return all_of_them / os.sysconf("SC_CLK_TCK"), usage.ru_utime + usage.ru_stime


def time_runs(runtime):
    """Milliseconds of each run, and the share of the cores that others had meanwhile."""
    end = time.perf_counter() + WARM_SECONDS
    while time.perf_counter() < end:
        runtime.run()
    times, (busy, own), start = [], processor_seconds(), time.perf_counter()
    while len(times) < MOST_RUNS and (len(times) < LEAST_RUNS or time.perf_counter() - start < SECONDS):
        before = time.perf_counter_ns()
        runtime.run()
        times.append((time.perf_counter_ns() - before) / 1e6)
    busy_after, own_after = processor_seconds()
    others = (busy_after - busy) - (own_after - own)
    return times, max(0.0, others / (time.perf_counter() - start))


def likeness(name, runtime):
    """Cosine of the logits to PyTorch's in float32, less what all pictures have in common: whether it is the same network."""
    expected, found = np.load(pictures.folder(name) / "logits.npy"), []
    for picture in pictures.test(name):
        runtime.take(picture)
        runtime.run()
        found.append(np.array(runtime.answer(), np.float32).reshape(-1))
    a, b = expected - expected.mean(0), np.stack(found) - expected.mean(0)
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def main(runtime_name, name, threads):
    runtime = RUNTIMES[runtime_name](name, pictures.folder(name), threads)
    runtime.take(pictures.test(name)[0])
    runtime.run()
    times, others = time_runs(runtime)
    result = {"runs": len(times), "median_ms": float(np.median(times)), "others": others, "likeness": likeness(name, runtime)}
    print(json.dumps(result))


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in RUNTIMES:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
