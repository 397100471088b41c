import Checkpoint
import FloatGraph
import Inference
import ModelFormat
import SampleNetworks
import Testing

@testable import Quantization

/// Every kind of step, and channels that are no multiple of 4.
private func smallGraph() throws -> FloatGraph {
    var values = SampleValues(seed: 11)
    var graph = FloatGraph(input: FeatureShape(channels: 3, height: 9, width: 12))
    func convolution(_ name: String, _ input: FloatGraph.Value, _ outputs: Int, stride: Int = 1) throws
        -> FloatGraph.Value
    {
        let inputs = graph[input].shape.channels
        let reach = (6 / Float(9 * inputs)).squareRoot()
        let convolution = Convolution(
            inputChannels: inputs, outputChannels: outputs, window: Window(size: 3, stride: stride, padding: 1),
            weights: values.array(outputs * inputs * 9, in: -reach...reach), bias: values.array(outputs, in: -0.3...0.3)
        )
        return try graph.append(.convolution(convolution), input, name: name)
    }
    let stem = try graph.append(.relu, convolution("stem", graph.input, 6), name: "stem.relu")
    let first = try graph.append(.relu, convolution("first", stem, 6), name: "first.relu")
    let same = try graph.append(
        .relu, graph.append(.add, convolution("same", first, 6), stem, name: "+"), name: "same.relu")
    let shortcut = try graph.append(
        .select(Selection(optionAShortcutOf: graph[same].shape, channels: 10)), same, name: "shortcut")
    let half = try graph.append(.add, shortcut, convolution("half", same, 10, stride: 2), name: "half.add")
    let pooled = try graph.append(.maxPool(Window(size: 3, stride: 2, padding: 1)), half, name: "pool")
    let left = try graph.append(.relu, convolution("left", pooled, 8), name: "left.relu")
    let right = try convolution("right", pooled, 6)
    let both = try graph.append(.concat, left, right, name: "concat")
    try graph.append(.globalAveragePool, both, name: "features")
    return graph
}

private func description(of graph: FloatGraph, classes: Int) -> ModelDescription {
    let shape = graph[graph.input].shape
    return ModelDescription(
        input: ModelInput(
            height: shape.height, width: shape.width, resizeSide: max(shape.height, shape.width),
            mean: SIMD3(0.5, 0.4, 0.3), standardDeviation: SIMD3(0.25, 0.25, 0.25)),
        classNames: (0..<classes).map { "class \($0)" }, classCounts: (0..<classes).map { 1 + $0 }, alpha: 1.5,
        provenance: ["source": "made for a test"])
}

/// Images with values in the range that `description` gives pictures.
private func images(_ count: Int, _ shape: FeatureShape) -> [[Float]] {
    var values = SampleValues(seed: 12)
    return (0..<count).map { _ in values.array(shape.count, in: -1.2...2) }
}

private func head(dimensions: Int, classes: Int, isPlain: Bool = false) throws -> ClassifierHead {
    var values = SampleValues(seed: 13)
    let state = ReferenceState(
        features: [:], classifier: [isPlain ? "fc.weight" : "weight": values.tensor([classes, dimensions])],
        direction: isPlain ? nil : values.array(dimensions))
    return try ClassifierHead(of: state, dimensions: dimensions)
}

/// Quantises `image`, `[channels][height][width]`, into an engine's input, runs it, and returns features and logits.
private func run(_ file: [UInt8], on image: [Float], alpha: Float) throws -> (features: [Float], logits: [Float]) {
    try withEngine(of: file) { engine in
        engine.show(image)
        engine.run(alpha: alpha)
        return (Array(engine.features), Array(engine.logits))
    }
}

private func relativeError(_ found: [Float], _ expected: [Float]) -> Float {
    let difference = zip(found, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (difference / expected.reduce(0) { $0 + $1 * $1 }).squareRoot()
}

@Test func theInt8ModelComputesTheFloatGraphsFeaturesAndLogits() throws {
    let graph = try smallGraph()
    let head = try head(dimensions: 14, classes: 3)
    let samples = images(24, graph[graph.input].shape)
    let model = try quantize(
        graph, head: head, description: description(of: graph, classes: 3), calibration: CalibrationImages(samples))
    let features = graph.features(of: Activations(shape: graph[graph.input].shape, images: samples))
    for (image, expected) in zip(samples, features).prefix(6) {
        let found = try run(model.file, on: image, alpha: 1.5)
        #expect(relativeError(found.features, expected) < 0.02)
        #expect(relativeError(found.logits, head.logits(of: expected, alpha: 1.5)) < 0.05)
    }
}

/// Depthwise and grouped convolutions, windows that are not square, uneven padding, dilation, ReLU6.
private func mobileGraph() throws -> FloatGraph {
    var values = SampleValues(seed: 21)
    var graph = FloatGraph(input: FeatureShape(channels: 3, height: 13, width: 10))
    func convolution(_ name: String, _ input: FloatGraph.Value, _ outputs: Int, groups: Int, _ window: Window) throws
        -> FloatGraph.Value
    {
        let inputs = graph[input].shape.channels
        let weights = inputs / groups * window.count
        let reach = (6 / Float(weights)).squareRoot()
        let convolution = Convolution(
            inputChannels: inputs, outputChannels: outputs, groups: groups, window: window,
            weights: values.array(outputs * weights, in: -reach...reach), bias: values.array(outputs, in: 0...0.5))
        return try graph.append(.convolution(convolution), input, name: name)
    }
    let uneven = Window(y: .same(size: 3, stride: 2, edge: 13), x: .same(size: 5, stride: 2, edge: 10))
    let stem = try graph.append(.relu6, convolution("stem", graph.input, 10, groups: 1, uneven), name: "1")
    let depthwise = try graph.append(
        .activation(.clip(low: -0.25, high: 2)),
        convolution("depthwise", stem, 10, groups: 10, Window(size: 3, padding: 1)), name: "2")
    let dilated = Window(y: Window.Axis(size: 2, dilation: 2, before: 1, after: 1), x: Window.Axis(size: 1))
    let grouped = try graph.append(.relu, convolution("grouped", depthwise, 20, groups: 5, dilated), name: "3")
    let multiplied = try convolution("multiplied", grouped, 40, groups: 20, Window(size: 3))
    try graph.append(.globalAveragePool, graph.append(.relu6, multiplied, name: "4"), name: "features")
    return graph
}

@Test func groupsUnevenWindowsAndClipsAreTheFloatGraphs() throws {
    let graph = try mobileGraph()
    let samples = images(24, graph[graph.input].shape)
    let model = try quantize(
        graph, head: head(dimensions: 40, classes: 3), description: description(of: graph, classes: 3),
        calibration: CalibrationImages(samples))
    let features = graph.features(of: Activations(shape: graph[graph.input].shape, images: samples))
    for (image, expected) in zip(samples, features).prefix(6) {
        #expect(relativeError(try run(model.file, on: image, alpha: 0).features, expected) < 0.03)
    }
    // The upper end of the second clip, 2, is a byte within the range that the tensor covers.
    try model.file.withUnsafeBytes { bytes in
        let operation = try Model(verifying: bytes).operation(1)
        let high = Float(operation.outputMax) - Float(operation.output.zeroPoint)
        #expect(abs(high * operation.output.scale - 2) <= operation.output.scale)
        let low = Float(operation.outputMin) - Float(operation.output.zeroPoint)
        #expect(abs(low * operation.output.scale + 0.25) <= operation.output.scale)
        #expect((operation.groups, operation.multiplyAccumulates) == (10, 10 * 9 * 35))
    }
}

@Test func theReferenceNetworkSurvivesQuantisation() throws {
    let graph = try Architecture.twoBranchResNet32.graph(of: sampleState(), height: 16, width: 16).simplified()
    let samples = images(8, graph[graph.input].shape)
    let model = try quantize(
        graph, head: head(dimensions: 128, classes: 10), description: description(of: graph, classes: 10),
        calibration: CalibrationImages(samples))
    let features = graph.features(of: Activations(shape: graph[graph.input].shape, images: samples))
    for (image, expected) in zip(samples, features).prefix(3) {
        #expect(relativeError(try run(model.file, on: image, alpha: 0).features, expected) < 0.05)
    }
    #expect(model.report.activationBytes == model.report.leastActivationBytes)
    let weights = graph.nodes.reduce(0) { sum, node in
        guard case .convolution(let convolution) = node.operation else { return sum }
        return sum + convolution.weights.count
    }
    #expect(Double(model.report.fileBytes) <= 1.1 * Double(weights) + 65536)
}

@Test func theSameInputsGiveTheSameBytes() throws {
    let graph = try smallGraph()
    let files = try (0..<2).map { _ in
        try quantize(
            graph, head: head(dimensions: 14, classes: 3), description: description(of: graph, classes: 3),
            calibration: CalibrationImages(images(20, graph[graph.input].shape))
        ).file
    }
    #expect(files[0] == files[1])
}

@Test func theFileSaysWhatTheModelIs() throws {
    let graph = try smallGraph()
    let model = try quantize(
        graph, head: head(dimensions: 14, classes: 3), description: description(of: graph, classes: 3),
        calibration: CalibrationImages(images(4, graph[graph.input].shape)))
    try model.file.withUnsafeBytes { bytes in
        let model = try Model(verifying: bytes)
        #expect(model.head.defaultAlpha == 1.5)
        #expect(model.head.tau == 16)
        #expect(model.input.mean == SIMD3(0.5, 0.4, 0.3))
        #expect(
            (0..<3).map { String(decoding: model.className($0), as: UTF8.self) } == ["class 0", "class 1", "class 2"])
        #expect((0..<3).map { model.classCount($0) } == [1, 2, 3])
        #expect(String(decoding: model.operationName(0), as: UTF8.self) == "stem")
        #expect(String(decoding: model.provenance, as: UTF8.self) == "source: made for a test\n")
    }
}

@Test func calibrationNeedsImages() throws {
    let graph = try smallGraph()
    #expect(throws: QuantizationError.noCalibrationImages) {
        try quantize(
            graph, head: head(dimensions: 14, classes: 3), description: description(of: graph, classes: 3),
            calibration: CalibrationImages([]))
    }
}

@Test func activationsThatOverflowAreRefusedByTheLayersName() throws {
    var graph = FloatGraph(input: FeatureShape(channels: 3, height: 2, width: 2))
    let huge = Convolution(
        inputChannels: 3, outputChannels: 4, window: Window(size: 1, stride: 1, padding: 0),
        weights: [Float](repeating: .greatestFiniteMagnitude, count: 12), bias: [0, 0, 0, 0])
    let value = try graph.append(.convolution(huge), graph.input, name: "huge")
    try graph.append(.globalAveragePool, value, name: "features")
    #expect(throws: QuantizationError.notFinite(layer: "huge")) {
        try quantize(
            graph, head: head(dimensions: 4, classes: 3), description: description(of: graph, classes: 3),
            calibration: CalibrationImages(images(2, graph[graph.input].shape)))
    }
}

/// Networks of sizes that no device takes, and the first that is wrong with each.
private let beyondDevices: [(ModelError.Field, @Sendable (inout FloatGraph) throws -> FloatGraph.Value)] = [
    (.stride, { try $0.append(.maxPool(Window(size: 1, stride: 256)), $0.input, name: "wide") }),
    (.stride, { try $0.append(.convolution(channel(Window(size: 1, stride: 256))), $0.input, name: "wide") }),
    (.kernel, { try $0.append(.averagePool(Window(size: 256), countsPadding: true), $0.input, name: "wide") }),
    (
        .dilation,
        {
            let axis = Window.Axis(size: 2, dilation: 256)
            return try $0.append(.convolution(channel(Window(y: axis, x: axis))), $0.input, name: "wide")
        }
    ),
    (
        .output,
        {
            let row = Window(y: .init(size: 1), x: .init(size: 1, before: 40_000, after: 40_000))
            return try $0.append(.convolution(channel(row)), $0.input, name: "wide")
        }
    ),
]

/// Of three channels to one.
private func channel(_ window: Window) -> Convolution {
    Convolution(
        inputChannels: 3, outputChannels: 1, window: window,
        weights: [Float](repeating: 0.5, count: 3 * window.count), bias: [0])
}

@Test(arguments: beyondDevices.indices)
func sizesThatNoDeviceTakesAreRefusedByTheLayersNameBeforeAPictureIsRead(number: Int) throws {
    let (field, append) = beyondDevices[number]
    var graph = FloatGraph(input: FeatureShape(channels: 3, height: 512, width: 512))
    let value = try append(&graph)
    let last = try graph.append(.globalAveragePool, value, name: "features")
    let unread = CalibrationImages(count: 1) {
        Issue.record("a picture was read")
        throw QuantizationError.noCalibrationImages
    }
    let head = try head(dimensions: graph[last].shape.channels, classes: 3, isPlain: true)
    #expect(throws: QuantizationError.beyondDevice(layer: "wide", field)) {
        try quantize(graph, head: head, description: description(of: graph, classes: 3), calibration: unread)
    }
}

@Test func activationsBeyondWhatAFileCanStateAreRefusedByTheLayersName() throws {
    var graph = FloatGraph(input: FeatureShape(channels: 3, height: 2, width: 2))
    let large = Convolution(
        inputChannels: 3, outputChannels: 4, window: Window(size: 1),
        weights: [Float](repeating: 1e16, count: 12), bias: [0, 0, 0, 0])
    let value = try graph.append(.convolution(large), graph.input, name: "large")
    try graph.append(.globalAveragePool, value, name: "features")
    #expect(throws: QuantizationError.outOfRange(layer: "large")) {
        try quantize(
            graph, head: head(dimensions: 4, classes: 3), description: description(of: graph, classes: 3),
            calibration: CalibrationImages(images(2, graph[graph.input].shape)))
    }
}

@Test func namesOfLayersAndFilesThatSteerTerminalsAreWrittenAsNumbers() throws {
    var graph = FloatGraph(input: FeatureShape(channels: 3, height: 2, width: 2))
    let value = try graph.append(.convolution(channel(Window(size: 1))), graph.input, name: "red\u{9B}31m")
    try graph.append(.globalAveragePool, value, name: "features")
    var description = description(of: graph, classes: 3)
    description.provenance = ["source": "two\nlines.pt"]
    let model = try quantize(
        graph, head: head(dimensions: 1, classes: 3, isPlain: true), description: description,
        calibration: CalibrationImages(images(2, graph[graph.input].shape)))
    let file = try ModelFile(model.file)
    file.withModel { #expect(String(decoding: $0.operationName(0), as: UTF8.self) == #"red\u{9b}31m"#) }
    #expect(file.provenance("source") == #"two\u{a}lines.pt"#)
}

@Test func namesThatTheDeviceWouldRefuseAreRefusedHere() throws {
    let graph = try smallGraph()
    var description = description(of: graph, classes: 3)
    description.classNames[1] = "line\nbreak"
    #expect(throws: QuantizationError.refused(.badName(.classNames, index: 1), layer: nil)) {
        try quantize(
            graph, head: head(dimensions: 14, classes: 3), description: description,
            calibration: CalibrationImages(images(2, graph[graph.input].shape)))
    }
}
