"""A second reader of .rbit files, written from docs/format.md alone: it reads a model and computes the bits of its logits.

What the device program does fast, this does plainly, in NumPy: `Model(bytes)` checks and reads a file, `run(picture, alpha)`
answers one picture of the model's own size. Numbers are those of the file's operations, rounded where docs/format.md says so.
"""

import struct
import zlib
from types import SimpleNamespace

import numpy as np

import ed25519

MAGIC, VERSIONS = b"RBIT\r\n\x1a\n", (4, 5)
HEADER = struct.Struct("<8sIIQI4xQ")
CHECKSUM_AT, SECTION_TABLE_AT = 24, 192
SIGNATURE = struct.Struct("<8s24s32s64s64s")
SECTION = struct.Struct("<I4xQQ")
INPUT, PLAN, WEIGHTS, PARAMETERS, HEAD, CLASS_NAMES, OPERATION_NAMES, CLASS_COUNTS, PROVENANCE, JUDGING = range(1, 11)
CONVOLUTION, MAX_POOL, GLOBAL_AVERAGE_POOL, LOOKUP, MULTIPLY, AVERAGE_POOL = range(1, 7)
CONSTANT, REARRANGE, RESAMPLE, SOFTMAX, LAYER_NORM, L2_NORM, MATRIX_PRODUCT = range(7, 14)
NORM_NONE, NORM_PER_HEAD, NORM_CAPSULE = range(3)

# The fields of records in their order: f is a float32, I an unsigned integer, T a tensor.
TENSOR = "I:offset I:height I:width I:channels I:stride I:zero_point f:scale"
INPUT_RECORD = "T:tensor I:is_bgr I:resize_mode I:resize_side f:mean_0 f:mean_1 f:mean_2 f:std_0 f:std_1 f:std_2"
OPERATION_RECORD = (
    "I:kind I:groups I:kernel_height I:kernel_width I:stride_y I:stride_x I:dilation_y I:dilation_x I:padding_top"
    " I:padding_left I:output_min I:output_max T:input T:output T:residual I:residual_step I:residual_channel_offset"
    " I:weights_offset I:parameters_offset I:scratch_offset I:scratch_bytes I:counts_padding"
)
OPERATION_BYTES = 160
HEAD_RECORD = (
    "I:classes I:dimensions I:heads I:feature_norm I:has_bias I:has_centre I:has_directions f:tau f:gamma"
    " f:default_alpha I:features I:normalised I:plain_logits I:logits I:probabilities"
)


def record(fields, data, at=0):
    """The record at `data[at:]`, and where it ends."""
    values = {}
    for field in fields.split():
        kind, name = field.split(":")
        if kind == "T":
            values[name], at = record(TENSOR, data, at)
        else:
            (value,) = struct.unpack_from("<" + kind, data, at)
            values[name], at = np.float32(value) if kind == "f" else value, at + 4
    return SimpleNamespace(**values), at


def rounded(value, low, high, zero_point):
    """float32 to bytes: clamped between two whole numbers, then to the nearest, halves to the even one."""
    return (np.rint(np.clip(value, np.float32(low), np.float32(high))).astype(np.int64) + zero_point).astype(np.uint8)


def dot(a, rows):
    """a . row for each row, in the file's one order of summation: eight interleaved sums, added as a tree."""
    sums = np.zeros((len(rows), 8), np.float32)
    for at in range(0, len(a), 8):
        part = a[at : at + 8] * rows[:, at : at + 8]
        sums[:, : part.shape[1]] += part
    s = sums.T
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))


def signer(data, size):
    """Who signed the file whose model has that size: the name and the key."""
    magic, reserved, key, name, signature = SIGNATURE.unpack_from(data, size)
    if magic != b"RBITSIGN" or any(reserved):
        raise ValueError("what follows the model is no signature")
    if not ed25519.is_right(signature, data[: -len(signature)], key):
        raise ValueError("the signature is of other bytes")
    return name.rstrip(b"\0").decode(), key


class Model:
    def __init__(self, data):
        magic, version, count, size, checksum, self.arena_bytes = HEADER.unpack_from(data)
        if magic != MAGIC or version not in VERSIONS or len(data) not in (size, size + SIGNATURE.size):
            raise ValueError(f"no whole .rbit file of the versions {VERSIONS}")
        self.signer = signer(data, size) if len(data) > size else None
        data = data[:size]
        if zlib.crc32(data[:CHECKSUM_AT] + bytes(4) + data[CHECKSUM_AT + 4 :]) != checksum:
            raise ValueError("the checksum is another")
        table = [SECTION.unpack_from(data, SECTION_TABLE_AT + SECTION.size * entry) for entry in range(count)]
        self.sections = {kind: data[start : start + length] for kind, start, length in table}
        self.input, _ = record(INPUT_RECORD, self.sections[INPUT])
        plan = self.sections[PLAN]
        self.operations = [record(OPERATION_RECORD, plan, at)[0] for at in range(0, len(plan), OPERATION_BYTES)]
        self.read_head()
        self.read_judging()
        self.class_names, self.operation_names = self.strings(CLASS_NAMES), self.strings(OPERATION_NAMES)

    def strings(self, kind):
        data = self.sections[kind]
        (count,) = struct.unpack_from("<I", data)
        offsets = struct.unpack_from(f"<{count + 1}I", data, 4)
        text = data[4 * (count + 2) :]
        return [text[start:end].decode() for start, end in zip(offsets, offsets[1:])]

    def read_head(self):
        self.head, at = record(HEAD_RECORD, self.sections[HEAD])
        h, rest = self.head, np.frombuffer(self.sections[HEAD], "<f4", offset=at)

        def take(is_there, *shape):
            nonlocal rest
            if not is_there:
                return None
            numbers, rest = rest[: np.prod(shape)].reshape(shape), rest[np.prod(shape) :]
            return numbers

        self.rows = take(True, h.classes, h.dimensions)
        self.bias = take(h.has_bias, h.classes)
        self.centre = take(h.has_centre, h.dimensions)
        self.directions = take(h.has_directions, h.dimensions)
        self.terms = take(h.has_directions, h.classes, h.heads)

    def read_judging(self):
        data = self.sections.get(JUDGING, bytes(8))
        exempted, temperatures = struct.unpack_from("<II", data)
        self.exempted = np.frombuffer(data, "<u4", exempted, 8)
        self.temperatures = np.frombuffer(data, "<f4", 2 * temperatures, 8 + 4 * exempted).reshape(temperatures, 2)

    def temperature(self, alpha):
        """What logits at alpha are divided by; None where the file does not say."""
        return np.interp(alpha, *self.temperatures.T) if len(self.temperatures) else None

    def view(self, tensor):
        """A tensor in the arena, [height, width, channels]: writing to it writes there."""
        shape = (tensor.height, tensor.width, tensor.channels)
        strides = (tensor.width * tensor.stride, tensor.stride, 1)
        return np.lib.stride_tricks.as_strided(self.arena[tensor.offset :], shape, strides)

    def run(self, picture, alpha):
        """Logits of a picture, uint8 [height, width, R G B] of the model's size; `quantised` is what the plan starts from."""
        self.arena = np.zeros(self.arena_bytes, np.uint8)
        i, tensor = self.input, self.input.tensor
        mean, std = np.float32([i.mean_0, i.mean_1, i.mean_2]), np.float32([i.std_0, i.std_1, i.std_2])
        colours = picture[..., ::-1] if i.is_bgr else picture
        value = ((colours.astype(np.float32) / np.float32(255) - mean) / std) / tensor.scale
        self.view(tensor)[:] = rounded(value, -tensor.zero_point, 255 - tensor.zero_point, tensor.zero_point)
        self.quantised = self.arena[tensor.offset :][: tensor.height * tensor.width * tensor.stride].copy()
        for operation in self.operations:
            STEPS[operation.kind](self, operation)
        return self.run_head(alpha)

    def windows(self, o, fill, dilation=(1, 1)):
        """[height, width, ky, kx, channels]: what lies under the window of each output pixel; `fill` beside the input."""
        pixels = self.view(o.input).astype(np.int64)
        y = np.arange(o.output.height)[:, None] * o.stride_y - o.padding_top + np.arange(o.kernel_height) * dilation[0]
        x = np.arange(o.output.width)[:, None] * o.stride_x - o.padding_left + np.arange(o.kernel_width) * dilation[1]
        inside_y, inside_x = (y >= 0) & (y < o.input.height), (x >= 0) & (x < o.input.width)
        inside = inside_y[:, None, :, None] & inside_x[None, :, None, :]
        y, x = y.clip(0, o.input.height - 1), x.clip(0, o.input.width - 1)
        return np.where(inside[..., None], pixels[y[:, None, :, None], x[None, :, None, :]], fill), inside

    def convolution(self, o):
        outputs, inputs = o.output.channels // o.groups, o.input.channels // o.groups
        taps = o.kernel_height * o.kernel_width * inputs
        weights = np.frombuffer(self.sections[WEIGHTS], np.int8, o.output.channels * taps, o.weights_offset)
        bias = np.frombuffer(self.sections[PARAMETERS], "<i4", o.output.channels, o.parameters_offset)
        at = o.parameters_offset + 4 * o.output.channels
        multiplier = np.frombuffer(self.sections[PARAMETERS], "<f4", o.output.channels, at)
        windows, _ = self.windows(o, o.input.zero_point, (o.dilation_y, o.dilation_x))
        # Doubles hold these whole numbers exactly.
        windows = (windows - o.input.zero_point).astype(np.float64)
        sums = np.empty((o.output.height, o.output.width, o.output.channels))
        for group in range(o.groups):
            under = windows[..., group * inputs : (group + 1) * inputs].reshape(o.output.height, o.output.width, taps)
            of_group = slice(group * outputs, (group + 1) * outputs)
            sums[..., of_group] = under @ weights.reshape(-1, taps)[of_group].T.astype(np.float64)
        value = (sums + bias).astype(np.float32) * multiplier
        if o.residual.height:
            step, first, r = o.residual_step, o.residual_channel_offset, o.residual
            added = self.view(r)[::step, ::step][: o.output.height, : o.output.width].astype(np.float32)
            added = (added - np.float32(r.zero_point)) * (r.scale / o.output.scale)
            common = max(0, min(r.channels, o.output.channels - first))
            value[..., first : first + common] += added[..., :common]
        self.store(o, value, o.output_min, o.output_max)

    def store(self, o, value, lowest=0, highest=255):
        zero_point = o.output.zero_point
        self.view(o.output)[:] = rounded(value, lowest - zero_point, highest - zero_point, zero_point)

    def max_pool(self, o):
        self.view(o.output)[:] = self.windows(o, 0)[0].max(axis=(2, 3))

    def average_pool(self, o):
        windows, inside = self.windows(o, o.input.zero_point)
        count = o.kernel_height * o.kernel_width if o.counts_padding else inside.sum(axis=(2, 3)).clip(1)[..., None]
        sums = (windows - o.input.zero_point).sum(axis=(2, 3)).astype(np.float32)
        self.store(o, sums * ((o.input.scale / o.output.scale) / np.float32(count)))

    def global_average_pool(self, o):
        pixels = o.input.height * o.input.width
        sums = self.view(o.input).astype(np.int64).sum(axis=(0, 1)) - pixels * o.input.zero_point
        features = sums.astype(np.float32) * (o.input.scale / np.float32(pixels))
        self.arena[o.output.offset :][: 4 * o.output.channels] = features.view(np.uint8)

    def lookup(self, o):
        table = np.frombuffer(self.sections[WEIGHTS], np.uint8, 256, o.weights_offset)
        self.view(o.output)[:] = table[self.view(o.input)]

    def multiply(self, o):
        a = self.view(o.input).astype(np.int64) - o.input.zero_point
        b = self.view(o.residual).astype(np.int64) - o.residual.zero_point
        multiplier = o.input.scale * o.residual.scale / o.output.scale
        self.store(o, (a * b).astype(np.float32) * multiplier, o.output_min, o.output_max)

    def constant(self, o):
        shape = (o.output.height, o.output.width, o.output.channels)
        count = shape[0] * shape[1] * shape[2]
        self.view(o.output)[:] = np.frombuffer(self.sections[WEIGHTS], np.uint8, count, o.weights_offset).reshape(shape)

    def parameters(self, o, kind, count, first=0):
        return np.frombuffer(self.sections[PARAMETERS], kind, count, o.parameters_offset + 4 * first)

    def rearrange(self, o):
        of_pixels, of_channels = self.parameters(o, "<u4", 2)
        steps = self.parameters(o, "<u4", 3 * (of_pixels + of_channels), 2).reshape(-1, 3).astype(np.int64)

        def places(steps):
            pixels, channels = np.zeros(1, np.int64), np.zeros(1, np.int64)
            for count, over_pixels, over_channels in steps:
                digits = np.arange(count)
                pixels = (pixels[:, None] + digits * over_pixels).ravel()
                channels = (channels[:, None] + digits * over_channels).ravel()
            return pixels, channels

        (p, c), (more_p, more_c) = places(steps[:of_pixels]), places(steps[of_pixels:])
        pixels = self.view(o.input).reshape(-1, o.input.channels)
        values = pixels[p[:, None] + more_p, c[:, None] + more_c]
        self.view(o.output)[:] = values.reshape(o.output.height, o.output.width, o.output.channels)

    def resample(self, o):
        taps = self.parameters(o, "<u4", 3 * (o.output.height + o.output.width)).reshape(-1, 3).astype(np.int64)
        rows, columns = taps[: o.output.height], taps[o.output.height :]
        pixels = self.view(o.input).astype(np.int64)
        above, below = pixels[rows[:, 0]], pixels[rows[:, 1]]
        w_y, w_x = rows[:, 2][:, None, None], columns[:, 2][:, None]

        def along(line):
            return line[:, columns[:, 0]] * (2048 - w_x) + line[:, columns[:, 1]] * w_x

        self.view(o.output)[:] = (along(above) * (2048 - w_y) + along(below) * w_y + (1 << 21)) >> 22

    def grouped(self, o, groups):
        """[height, width, groups, channels of one]."""
        return self.view(o.input).astype(np.int64).reshape(o.input.height, o.input.width, groups, -1)

    def softmax(self, o):
        q = self.grouped(o, o.groups)
        e = self.parameters(o, "<u4", 256).astype(np.int64)[q.max(axis=3, keepdims=True) - q]
        factor = (np.float32(1) / o.output.scale) / e.sum(axis=3, keepdims=True).astype(np.float32)
        self.store(o, (e.astype(np.float32) * factor).reshape(self.view(o.output).shape))

    def layer_norm(self, o):
        n = o.output.channels
        numbers, q = self.parameters(o, "<f4", 1 + 2 * n), self.view(o.input).astype(np.int64)
        sums = q.sum(axis=2, keepdims=True)
        spread = n * (q * q).sum(axis=2, keepdims=True) - sums * sums
        inverse = np.float32(1) / np.sqrt(spread.astype(np.float32) + numbers[0])
        self.store(o, (n * q - sums).astype(np.float32) * inverse * numbers[1 : 1 + n] + numbers[1 + n :])

    def l2_norm(self, o):
        q = self.grouped(o, o.groups) - o.input.zero_point
        length = np.sqrt((q * q).sum(axis=3, keepdims=True).astype(np.float32))
        factor = (np.float32(1) / o.output.scale) / np.maximum(length, self.parameters(o, "<f4", 1)[0])
        self.store(o, (q.astype(np.float32) * factor).reshape(self.view(o.output).shape))

    def matrix_product(self, o):
        a = self.grouped(o, o.groups).reshape(-1, o.groups, o.input.channels // o.groups) - o.input.zero_point
        b = self.view(o.residual).astype(np.int64).reshape(-1, o.groups, a.shape[2]) - 128
        sums = np.einsum("mgk,igk->mgi", a, b).reshape(self.view(o.output).shape)
        self.store(o, sums.astype(np.float32) * (o.input.scale * o.residual.scale / o.output.scale))

    def factor(self, norm):
        one = np.float32(1)
        if self.head.feature_norm == NORM_CAPSULE:
            return one / (one + norm)
        return one / norm if norm > 0 else np.float32(0)

    def run_head(self, alpha):
        h = self.head
        n = self.arena[h.features :][: 4 * h.dimensions].view("<f4").copy()
        n = n - self.centre if h.has_centre else n
        heads = n.reshape(h.heads, -1) if h.feature_norm != NORM_CAPSULE else n[None]
        if h.feature_norm != NORM_NONE:
            n = np.concatenate([head * self.factor(np.sqrt(dot(head, head[None]))[0]) for head in heads])
        logits = dot(n, self.rows)
        logits = logits + self.bias if h.has_bias else logits
        if h.has_directions and alpha != 0:
            for k, (head, direction) in enumerate(zip(n.reshape(h.heads, -1), self.directions.reshape(h.heads, -1))):
                logits = logits - (np.float32(alpha) * dot(head, direction[None])) * self.terms[:, k]
        return logits


STEPS = {
    CONVOLUTION: Model.convolution, MAX_POOL: Model.max_pool, GLOBAL_AVERAGE_POOL: Model.global_average_pool,
    LOOKUP: Model.lookup, MULTIPLY: Model.multiply, AVERAGE_POOL: Model.average_pool, CONSTANT: Model.constant,
    REARRANGE: Model.rearrange, RESAMPLE: Model.resample, SOFTMAX: Model.softmax, LAYER_NORM: Model.layer_norm,
    L2_NORM: Model.l2_norm, MATRIX_PRODUCT: Model.matrix_product,
}
