import SampleNetworks
import Testing

@testable import FloatGraph

private let shape = FeatureShape(channels: 2, height: 6, width: 5)

/// A graph, and whether its simplified form computes the same.
private func simplified(_ build: (inout FloatGraph) throws -> Void) throws -> FloatGraph {
    var graph = FloatGraph(input: shape)
    try build(&graph)
    let result = graph.simplified()
    var values = SampleValues(seed: 41)
    let images = Activations(shape: shape, images: [values.array(shape.count, in: -3...3), values.array(shape.count)])
    let (expected, found) = (graph.features(of: images), result.features(of: images))
    for (one, other) in zip(expected.joined(), found.joined()) {
        #expect(abs(one - other) <= 1e-5 * max(abs(one), 1))
    }
    #expect(expected.map(\.count) == found.map(\.count))
    return result
}

private func convolution(_ inputs: Int, _ outputs: Int, _ window: Window = Window(size: 1)) -> Operation {
    var values = SampleValues(seed: 42)
    return .convolution(
        Convolution(
            inputChannels: inputs, outputChannels: outputs, window: window,
            weights: values.array(inputs * outputs * window.count), bias: values.array(outputs)))
}

extension FloatGraph {
    /// The kinds of its nodes after the input.
    fileprivate var kinds: [String] {
        nodes.dropFirst().map { String("\($0.operation)".prefix { $0 != "(" }) }
    }
}

@Test func numbersForChannelsGoIntoTheConvolutionBeforeThem() throws {
    let graph = try simplified { graph in
        var value = try graph.append(convolution(2, 3), graph.input, name: "conv")
        value = try graph.append(.batchNorm(BatchNorm(factors: [1, 2, 3], offsets: [0, 1, 2])), value, name: "scale")
        try graph.append(.batchNorm(BatchNorm(factors: [2, 2, 2], offsets: [1, 1, 1])), value, name: "twice")
    }
    #expect(graph.kinds == ["convolution"])
}

@Test func numbersForChannelsThatFollowEachOtherAreMultiplied() throws {
    let graph = try simplified { graph in
        let value = try graph.append(.batchNorm(BatchNorm(factors: [1, 2], offsets: [0, 1])), graph.input, name: "a")
        try graph.append(.batchNorm(BatchNorm(factors: [3, 4], offsets: [5, 6])), value, name: "b")
    }
    #expect(graph.kinds == ["batchNorm"])
}

@Test func whatIsReadElsewhereStaysAsItIs() throws {
    let graph = try simplified { graph in
        let value = try graph.append(convolution(2, 2), graph.input, name: "conv")
        // The first changes nothing, so that the second reads the convolution itself.
        let same = try graph.append(.batchNorm(BatchNorm(factors: [1, 1], offsets: [0, 0])), value, name: "same")
        let scaled = try graph.append(.batchNorm(BatchNorm(factors: [2, 3], offsets: [0, 1])), same, name: "scale")
        try graph.append(.add, scaled, value, name: "add")
    }
    #expect(graph.kinds == ["convolution", "batchNorm", "add"])
}

@Test func theFormsOfHardSwishBecomeOneFunction() throws {
    let uniform = { (factor: Float, offset: Float) in
        Operation.batchNorm(BatchNorm(factors: [factor, factor], offsets: [offset, offset]))
    }
    let byParts = try simplified { graph in
        let value = try graph.append(convolution(2, 2), graph.input, name: "conv")
        var gate = try graph.append(uniform(1, 3), value, name: "+3")
        gate = try graph.append(.relu6, gate, name: "relu6")
        let product = try graph.append(.multiply, value, gate, name: "*")
        try graph.append(uniform(1 / 6, 0), product, name: "/6")
    }
    #expect(byParts.kinds == ["convolution", "activation"])
    let byGate = try simplified { graph in
        let gate = try graph.append(.activation(.sigmoid), graph.input, name: "sigmoid")
        try graph.append(.multiply, gate, graph.input, name: "silu")
    }
    #expect(byGate.kinds == ["activation"])
    let clips = try simplified { graph in
        let value = try graph.append(.relu, graph.input, name: "relu")
        try graph.append(.activation(.clip(low: -1, high: 2)), value, name: "clip")
    }
    guard case .activation(.clip(0, 2)) = clips[clips.features].operation else {
        Issue.record("two clips are \(clips.kinds)")
        return
    }
}

@Test func paddingGoesIntoTheWindowBehindIt() throws {
    let padding = Operation.select(
        Selection(
            channels: .init(count: 2), y: .init(start: -1, count: 9), x: .init(start: -2, count: 7)))
    for operation in [
        convolution(2, 3, Window(size: 3, stride: 2, padding: 1)),
        .averagePool(Window(size: 2, stride: 2), countsPadding: false),
    ] {
        let graph = try simplified { graph in
            try graph.append(operation, graph.append(padding, graph.input, name: "pad"), name: "window")
        }
        #expect(graph.kinds.count == 1)
    }
    let pooled = try simplified { graph in
        let value = try graph.append(padding, graph.append(.relu, graph.input, name: "relu"), name: "pad")
        try graph.append(.maxPool(Window(size: 3, stride: 2)), value, name: "pool")
    }
    #expect(pooled.kinds == ["activation", "maxPool"])
    // Without the ReLU, a zero can be the maximum.
    let negative = try simplified { graph in
        try graph.append(.maxPool(Window(size: 3)), graph.append(padding, graph.input, name: "pad"), name: "pool")
    }
    #expect(negative.kinds == ["select", "maxPool"])
}

@Test func cuttingAndPaddingIsOneShortcut() throws {
    let graph = try simplified { graph in
        let cut = Selection(
            channels: .init(count: 2), y: .init(count: 3, step: 2), x: .init(count: 3, step: 2))
        let value = try graph.append(.select(cut), graph.input, name: "slice")
        let pad = Selection(channels: .init(start: -1, count: 4), y: .init(count: 3), x: .init(count: 3))
        try graph.append(.select(pad), value, name: "pad")
    }
    guard case .select(Selection(optionAShortcutOf: shape, channels: 4)) = graph[graph.features].operation else {
        Issue.record("\(graph.kinds)")
        return
    }
}

@Test func whatASliceCutOffStaysZeroUnderLaterPadding() throws {
    let graph = try simplified { graph in
        let cut = Selection(channels: .init(count: 2), y: .init(count: 3), x: .init(count: 5))
        let value = try graph.append(.select(cut), graph.input, name: "slice")
        let pad = Selection(channels: .init(count: 2), y: .init(count: 5), x: .init(count: 5))
        try graph.append(.select(pad), value, name: "pad")
    }
    #expect(graph.kinds == ["select", "select"])
}

@Test func aLinearLayerOnAFlattenedImageIsAConvolutionAsLargeAsTheImage() throws {
    let graph = try simplified { graph in
        let flat = try graph.append(.flatten, graph.input, name: "flatten")
        try graph.append(convolution(60, 3), flat, name: "linear")
    }
    #expect(graph.kinds == ["convolution"])
    let pooled = try simplified { graph in
        let mean = Operation.averagePool(
            Window(y: Window.Axis(size: 6), x: Window.Axis(size: 5)), countsPadding: false)
        let flat = try graph.append(.flatten, graph.append(mean, graph.input, name: "mean"), name: "flatten")
        try graph.append(.batchNorm(BatchNorm(factors: [1, 1], offsets: [0, 0])), flat, name: "same")
    }
    #expect(pooled.kinds == ["globalAveragePool"])
}

/// Only the mean of the means of parts that are all of one size, and all of the image, is the image's mean: one more step in the
/// padding counts too, and one less leaves pixels out.
@Test(arguments: [
    (0, ["globalAveragePool"]), (2, ["averagePool", "globalAveragePool"]), (-2, ["averagePool", "globalAveragePool"]),
])
func theMeanOfMeansIsTheMeanWhereTheyShareTheWholeImageEvenly(after: Int, kinds: [String]) throws {
    for size in [1, 2] {
        let graph = try simplified { graph in
            let y = Window.Axis(size: size, stride: size, after: after)
            let rows = Operation.averagePool(Window(y: y, x: Window.Axis(size: 1)), countsPadding: true)
            let means = try graph.append(rows, graph.input, name: "rows")
            try graph.append(.globalAveragePool, means, name: "all")
        }
        #expect(graph.kinds == kinds)
    }
}

@Test func listsThatGrowTakeTheShorterOneIn() throws {
    let graph = try simplified { graph in
        let first = try graph.append(convolution(2, 4), graph.input, name: "1")
        let two = try graph.append(.concat, graph.input, first, name: "12")
        let second = try graph.append(convolution(6, 4), two, name: "2")
        let three = try graph.append(.concat, [graph.input, first, second], name: "123")
        let third = try graph.append(convolution(10, 4), three, name: "3")
        try graph.append(.concat, [graph.input, first, second, third], name: "1234")
    }
    #expect(graph.nodes.map(\.inputs.count) == [0, 1, 2, 1, 2, 1, 2])
}

@Test func whatNothingReadsIsGone() throws {
    let graph = try simplified { graph in
        try graph.append(.relu, graph.input, name: "unread")
        try graph.append(.maxPool(Window(size: 2)), graph.input, name: "pool")
    }
    #expect(graph.kinds == ["maxPool"])
}
