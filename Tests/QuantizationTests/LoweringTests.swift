import Checkpoint
import FloatGraph
import Inference
import ModelFormat
import SampleNetworks
import Testing

@testable import Quantization

/// Graphs of 3 channels, 8 x 6 pixels, that need more than fused convolutions; each ends with a vector.
private struct Example: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// The kinds of the device's operations.
    let kinds: [OperationKind]
    let build: @Sendable (inout Network) throws -> FloatGraph.Value

    init(
        _ description: String, _ kinds: [OperationKind],
        _ build: @escaping @Sendable (inout Network) throws -> FloatGraph.Value
    ) {
        testDescription = description
        self.kinds = kinds
        self.build = build
    }

    func graph() throws -> FloatGraph {
        var network = Network()
        let last = try build(&network)
        if network.graph[last].shape.pixels > 1 {
            try network.graph.append(.globalAveragePool, last, name: "features")
        }
        return network.graph.simplified()
    }
}

private struct Network {
    var graph = FloatGraph(input: FeatureShape(channels: 3, height: 8, width: 6))
    var numbers = SampleValues(seed: 51)
    var input: FloatGraph.Value { graph.input }

    mutating func convolution(_ input: FloatGraph.Value, _ outputs: Int, _ window: Window = Window(size: 3, padding: 1))
        throws -> FloatGraph.Value
    {
        let inputs = graph[input].shape.channels
        let reach = (6 / Float(inputs * window.count)).squareRoot()
        let convolution = Convolution(
            inputChannels: inputs, outputChannels: outputs, window: window,
            weights: numbers.array(outputs * inputs * window.count, in: -reach...reach),
            bias: numbers.array(outputs, in: -0.3...0.3))
        return try append(.convolution(convolution), input)
    }

    mutating func append(_ operation: Operation, _ inputs: FloatGraph.Value...) throws -> FloatGraph.Value {
        try graph.append(operation, inputs, name: "node \(graph.nodes.count)")
    }
}

private let examples = [
    Example("a function of the input", [.lookup, .convolution, .globalAveragePool]) {
        try $0.convolution($0.append(.activation(.sigmoid), $0.input), 4)
    },
    Example("hard swish behind a convolution", [.convolution, .lookup, .globalAveragePool]) {
        try $0.append(.activation(.hardSwish), $0.convolution($0.input, 10))
    },
    Example("a clip that does not hold 0", [.convolution, .lookup, .globalAveragePool]) {
        try $0.append(.activation(.clip(low: 0.25, high: 2)), $0.convolution($0.input, 4))
    },
    Example("a ReLU that is read beside what it reads", [.convolution, .lookup, .convolution, .globalAveragePool]) {
        let value = try $0.convolution($0.input, 8)
        let rectified = try $0.append(.relu, value)
        return try $0.append(.add, rectified, value)
    },
    Example("a sum of the input with itself", [.convolution, .globalAveragePool]) {
        try $0.append(.add, $0.input, $0.input)
    },
    Example(
        "squeeze and excitation",
        [.convolution, .averagePool, .convolution, .convolution, .lookup, .multiply, .globalAveragePool]
    ) {
        let value = try $0.append(.relu, $0.convolution($0.input, 12))
        var gate = try $0.append(.globalAveragePool, value)
        gate = try $0.append(.relu, $0.convolution(gate, 4, Window(size: 1)))
        gate = try $0.append(.activation(.sigmoid), $0.convolution(gate, 12, Window(size: 1)))
        return try $0.append(.relu, $0.append(.multiply, gate, value))
    },
    Example("a product of two images", [.convolution, .convolution, .multiply, .globalAveragePool]) {
        try $0.append(.multiply, $0.convolution($0.input, 6), $0.convolution($0.input, 6))
    },
    Example("numbers for channels before a convolution", [.convolution, .convolution, .globalAveragePool]) {
        let norm = BatchNorm(factors: [2, -0.5, 1], offsets: [0.1, 0, -0.3])
        return try $0.convolution($0.append(.batchNorm(norm), $0.input), 8)
    },
    Example("average pooling", [.averagePool, .averagePool, .convolution, .globalAveragePool]) {
        let value = try $0.append(.averagePool(Window(size: 3, stride: 2, padding: 1), countsPadding: false), $0.input)
        return try $0.convolution($0.append(.averagePool(Window(size: 2, padding: 1), countsPadding: true), value), 4)
    },
    Example("padding and cutting that no window takes in", [.convolution, .convolution, .globalAveragePool]) {
        let pad = Selection(
            channels: .init(start: -1, count: 5), y: .init(start: -2, count: 11), x: .init(start: 1, count: 4))
        let skip = Selection(
            channels: .init(start: 1, count: 3), y: .init(start: 1, count: 4, step: 2), x: .init(count: 4))
        return try $0.append(.select(skip), $0.append(.relu, $0.append(.select(pad), $0.input)))
    },
    Example("a shortcut on both sides of a sum", [.convolution, .globalAveragePool]) {
        let first = Operation.select(Selection(optionAShortcutOf: $0.graph[$0.input].shape, channels: 5))
        let crooked = Selection(
            channels: .init(start: -2, count: 5), y: .init(count: 4, step: 2), x: .init(count: 3, step: 2))
        return try $0.append(.add, $0.append(first, $0.input), $0.append(.select(crooked), $0.input))
    },
    Example(
        "a concatenation of what cannot be written in place",
        [.convolution, .maxPool, .convolution, .convolution, .convolution, .globalAveragePool]
    ) {
        let value = try $0.convolution($0.input, 8)
        let pooled = try $0.append(.maxPool(Window(size: 3, padding: 1)), value)
        return try $0.append(.concat, $0.append(.concat, value, pooled), $0.convolution(value, 4), value)
    },
    Example(
        "parts that begin in the middle of a group", [.convolution, .convolution, .convolution, .globalAveragePool]
    ) {
        try $0.append(.concat, $0.input, $0.convolution($0.input, 6), $0.input)
    },
    Example("densely connected layers", [.convolution, .convolution, .convolution, .convolution, .globalAveragePool]) {
        let first = try $0.convolution($0.input, 4)
        let second = try $0.append(.relu, $0.convolution(first, 4))
        let two = try $0.append(.concat, first, second)
        let third = try $0.append(.relu, $0.convolution(two, 4))
        let three = try $0.append(.concat, first, second, third)
        return try $0.append(.concat, first, second, third, $0.convolution(three, 8))
    },
    Example("a linear layer behind a flattened image", [.convolution, .globalAveragePool]) {
        try $0.append(.relu, $0.convolution($0.append(.flatten, $0.input), 16, Window(size: 1)))
    },
    Example("channels in another order", [.convolution, .rearrange, .convolution, .globalAveragePool]) {
        let value = try $0.convolution($0.input, 8)
        let shape = $0.graph[value].shape
        let shuffle = Rearrangement(
            shape: shape,
            steps: [
                .init(size: 4, stride: shape.pixels), .init(size: 2, stride: 4 * shape.pixels),
                .init(size: shape.pixels, stride: 1),
            ])
        return try $0.convolution($0.append(.rearrange(shuffle), value), 5)
    },
    Example("the first row of a picture", [.convolution, .rearrange, .convolution, .globalAveragePool]) {
        let value = try $0.convolution($0.input, 1)
        let row = FeatureShape(channels: 1, height: 1, width: $0.graph[value].shape.width)
        let cut = Rearrangement(shape: row, steps: [.init(size: row.width, stride: 1)])
        return try $0.convolution($0.append(.rearrange(cut), value), 5)
    },
    Example("a flattened image", [.convolution, .rearrange, .lookup, .globalAveragePool]) {
        try $0.append(.activation(.sigmoid), $0.append(.flatten, $0.convolution($0.input, 4)))
    },
    Example(
        "parts of channels that are read where they lie", [.convolution, .convolution, .multiply, .globalAveragePool]
    ) {
        let value = try $0.convolution($0.input, 12)
        var (first, second) = (Selection(whole: $0.graph[value].shape), Selection(whole: $0.graph[value].shape))
        first.channels = Selection.Span(start: 4, count: 8)
        second.channels = Selection.Span(count: 8)
        let gate = try $0.convolution($0.append(.select(first), value), 8)
        return try $0.append(.multiply, $0.append(.select(second), value), gate)
    },
    Example("twice the pixels, by lines between them", [.convolution, .resample, .convolution, .globalAveragePool]) {
        let value = try $0.convolution($0.input, 8)
        func taps(_ edge: Int) -> [Resampling.Tap] {
            (0..<2 * edge).map {
                let place = min(max(Float($0) / 2 - 0.25, 0), Float(edge - 1))
                let first = Int(place)
                return .init(first: first, second: min(first + 1, edge - 1), fraction: place - Float(first))
            }
        }
        return try $0.convolution($0.append(.resample(Resampling(y: taps(8), x: taps(6))), value), 4)
    },
    Example("numbers that are added to every image", [.constant, .convolution, .globalAveragePool]) {
        let shape = FeatureShape(channels: 6, height: 8, width: 6)
        let constant = try $0.append(.constant($0.numbers.array(shape.count, in: -1...1), shape))
        return try $0.append(.add, $0.convolution($0.input, 6), constant)
    },
    Example("a softmax over groups of channels", [.convolution, .softmax, .globalAveragePool]) {
        try $0.append(.softmax(groups: 3), $0.convolution($0.input, 12))
    },
    Example("layer normalisation", [.convolution, .layerNorm, .globalAveragePool]) {
        let value = try $0.convolution($0.input, 24)
        let norm = LayerNorm(
            weight: $0.numbers.array(24, in: 0.5...2), bias: $0.numbers.array(24, in: -0.5...0.5), epsilon: 1e-5)
        return try $0.append(.layerNorm(norm), value)
    },
    Example("channels over their length", [.convolution, .l2Norm, .globalAveragePool]) {
        try $0.append(.l2Norm(groups: 2, epsilon: 1e-12), $0.convolution($0.input, 24))
    },
    Example(
        "attention in two heads",
        [
            .convolution, .matrixProduct, .softmax, .rearrange, .matrixProduct, .constant, .convolution,
            .globalAveragePool,
        ]
    ) {
        // Of 48 pixels, which become a row, queries, keys and values of 2 x 8 channels.
        let all = try $0.convolution($0.input, 48)
        let row = FeatureShape(channels: 48, height: 1, width: 48)
        let flat = try $0.append(.rearrange(Rearrangement(shape: row, steps: [.init(size: row.count, stride: 1)])), all)
        var parts: [FloatGraph.Value] = []
        for start in [0, 16, 32] {
            var selection = Selection(whole: row)
            selection.channels = Selection.Span(start: start, count: 16)
            parts.append(try $0.append(.select(selection), flat))
        }
        let scores = try $0.append(.matrixProduct(groups: 2), parts[0], parts[1])
        let shares = try $0.append(.softmax(groups: 2), scores)
        let turned = Rearrangement(
            shape: FeatureShape(channels: 96, height: 1, width: 8),
            steps: [.init(size: 2, stride: 8 * 48), .init(size: 48, stride: 1), .init(size: 8, stride: 48)])
        let mixed = try $0.append(.matrixProduct(groups: 2), shares, $0.append(.rearrange(turned), parts[2]))
        let place = FeatureShape(channels: 16, height: 1, width: 48)
        let places = try $0.append(.constant($0.numbers.array(place.count, in: -1...1), place))
        return try $0.append(.add, $0.convolution(mixed, 16, Window(size: 1)), places)
    },
    Example("convolutions behind the last pooling", [.averagePool, .convolution, .lookup, .globalAveragePool]) {
        let value = try $0.convolution($0.append(.globalAveragePool, $0.input), 16, Window(size: 1))
        return try $0.append(.activation(.leakyReLU(slope: 0.1)), value)
    },
]

/// What `graph` computes from images in float, and what the int8 model made of it does on every path of this processor.
private func compare(_ graph: FloatGraph) throws -> (file: [UInt8], worst: Float) {
    let shape = graph[graph.input].shape
    var numbers = SampleValues(seed: 52)
    let images = (0..<16).map { _ in numbers.array(shape.count, in: -1...1) }
    let features = graph.features(of: Activations(shape: shape, images: images))
    let state = ReferenceState(
        features: [:], classifier: ["fc.weight": numbers.tensor([2, features[0].count])], direction: nil)
    let description = ModelDescription(
        input: ModelInput(
            height: shape.height, width: shape.width, resizeSide: 8, mean: SIMD3(0.5, 0.5, 0.5),
            standardDeviation: SIMD3(0.5, 0.5, 0.5)),
        classNames: ["a", "b"], classCounts: [], alpha: 0, provenance: ["source": "a test"])
    let model = try quantize(
        graph, head: ClassifierHead(of: state, dimensions: features[0].count), description: description,
        calibration: CalibrationImages(images), method: .minMax)
    let scale = (features.joined().map { $0 * $0 }.reduce(0, +) / Float(features.count * features[0].count))
        .squareRoot()
    var worst: Float = 0
    for (image, expected) in zip(images, features).prefix(4) {
        let found = try runOnEveryPath(model.file, on: image)
        let error = zip(found, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Float(expected.count)
        worst = max(worst, error.squareRoot() / scale)
    }
    return (model.file, worst)
}

/// The features, which must be the same bits on every path.
private func runOnEveryPath(_ file: [UInt8], on image: [Float]) throws -> [Float] {
    try file.withUnsafeBytes { bytes in
        let model = try Model(verifying: bytes)
        let paths = (0..<ExecutionPath.count).compactMap(ExecutionPath.init).filter(\.isAvailable)
        let results = try paths.map { path in
            let size = try Engine.arenaBytes(model: model, path: path)
            let arena = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
            defer { arena.deallocate() }
            arena.initializeMemory(as: UInt8.self, repeating: 0xA5)
            let engine = try Engine(model: model, path: path, arena: arena)
            let tensor = model.input.tensor
            let pixels = Int(tensor.height * tensor.width)
            for (index, value) in image.enumerated() {
                let byte = (value / tensor.scale).rounded(.toNearestOrEven) + Float(tensor.zeroPoint)
                engine.input[index % pixels * 4 + index / pixels] = UInt8(min(max(byte, 0), 255))
            }
            engine.run(alpha: 0)
            return Array(engine.features)
        }
        #expect(results.allSatisfy { $0.map(\.bitPattern) == results[0].map(\.bitPattern) })
        return results[0]
    }
}

@Test("A network becomes the device's operations and computes the same", arguments: examples)
private func loweredNetworksComputeTheSame(example: Example) throws {
    let (file, error) = try compare(example.graph())
    #expect(error < 0.05)
    try file.withUnsafeBytes { bytes in
        let model = try Model(verifying: bytes)
        #expect((0..<model.operationCount).map { model.operation($0).kind } == example.kinds)
    }
}

@Test func whatTreatsValuesByThemselvesWritesWhereItReads() throws {
    let graph = try examples[1].graph()
    let (file, _) = try compare(graph)
    try file.withUnsafeBytes { bytes in
        let lookup = try Model(verifying: bytes).operation(1)
        #expect(lookup.input.arenaOffset == lookup.output.arenaOffset)
    }
    // The convolution's result is read again after the function of it.
    let (other, _) = try compare(examples[3].graph())
    try other.withUnsafeBytes { bytes in
        let lookup = try Model(verifying: bytes).operation(1)
        #expect(lookup.input.arenaOffset != lookup.output.arenaOffset)
    }
}

@Test func whatTheDeviceCannotDoIsNamed() throws {
    let dilated = Window(y: Window.Axis(size: 2, dilation: 2), x: Window.Axis(size: 2))
    let builds: [(inout Network) throws -> FloatGraph.Value] = [
        { try $0.append(.maxPool(dilated), $0.input) },
        { try $0.append(.averagePool(dilated, countsPadding: true), $0.input) },
        {
            // Every second of all numbers, from one channel into the pixels of the next.
            let skip = Rearrangement(
                shape: FeatureShape(channels: 1, height: 9, width: 8), steps: [.init(size: 72, stride: 2)])
            $0.graph = FloatGraph(input: FeatureShape(channels: 3, height: 7, width: 7))
            return try $0.append(.rearrange(skip), $0.input)
        },
    ]
    for build in builds {
        var network = Network()
        let last = try build(&network)
        try network.graph.append(.globalAveragePool, last, name: "features")
        #expect(throws: QuantizationError.unsupportedNode(name: "node 1")) { try network.graph.loweredForDevice() }
    }
    var image = Network()
    _ = try image.convolution(image.input, 4)
    #expect(throws: QuantizationError.unsupportedNode(name: "node 1")) { try image.graph.loweredForDevice() }
}

/// A cut becomes a convolution whose window reaches from the first pixel to the cut's.
@Test(
    "Cuts that no window reaches are named",
    arguments: [
        (FeatureShape(channels: 3, height: 1, width: 70_000), Selection.Span(start: 65_536, count: 1)),
        (FeatureShape(channels: 3, height: 1, width: 70_000), Selection.Span(count: 10)),
        (FeatureShape(channels: 3, height: 9_000, width: 9_000), Selection.Span(start: 8_500, count: 1)),
    ])
private func cutsThatNoWindowReaches(image: FeatureShape, span: Selection.Span) throws {
    var graph = FloatGraph(input: image)
    let rows = image.height > 1 ? span : Selection.Span(count: 1)
    try graph.append(
        .select(Selection(channels: Selection.Span(count: 3), y: rows, x: span)), graph.input, name: "cut")
    #expect(throws: QuantizationError.unsupportedNode(name: "cut")) { try graph.loweredForDevice() }
}
