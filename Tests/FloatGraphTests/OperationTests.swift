import SampleNetworks
import Testing

@testable import FloatGraph

private let shape = FeatureShape(channels: 2, height: 2, width: 3)

/// What a graph computes from one image.
private func result(_ image: [Float], shape: FeatureShape = shape, _ build: (inout FloatGraph) throws -> Void) throws
    -> [Float]
{
    var graph = FloatGraph(input: shape)
    try build(&graph)
    return graph.features(of: Activations(shape: shape, images: [image, image]))[1]
}

@Test(
    arguments: [
        (Activation.leakyReLU(slope: 0.5), [-1, 0, 3]), (.hardSigmoid(slope: 0.25, offset: 0.5), [0, 0.5, 1]),
        (.affine(factor: 2, offset: 1), [-3, 1, 7]), (.hardSwish, [-2.0 / 6, 0, 3]), (.relu6, [0, 0, 3]),
        (.sequence([.affine(factor: 1, offset: -1), .clip(low: -2, high: 1)]), [-2, -1, 1]),
        (.sigmoid, [0.11920292, 0.5, 0.95257413]), (.silu, [-0.23840584, 0, 2.8577224]),
    ] as [(Activation, [Float])])
func anActivationIsItsFormula(activation: Activation, expected: [Float]) throws {
    let line = FeatureShape(channels: 1, height: 1, width: 3)
    let found = try result([-2, 0, 3], shape: line) { try $0.append(.activation(activation), $0.input, name: "f") }
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 })
}

@Test("A product is of equal shapes, or of an image and one number a channel on either side", arguments: [false, true])
func productsBroadcastGates(gateFirst: Bool) throws {
    let image: [Float] = [1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6]
    let squared = try result(image) { try $0.append(.multiply, $0.input, $0.input, name: "*") }
    #expect(squared == image.map { $0 * $0 })
    let gated = try result(image) { graph in
        let gate = try graph.append(.globalAveragePool, graph.input, name: "mean")
        try graph.append(.multiply, gateFirst ? [gate, graph.input] : [graph.input, gate], name: "*")
    }
    // The means are 3.5 and -3.5.
    #expect(gated == image.map { abs($0) * 3.5 })
}

@Test func averagePoolingCountsPaddingOrNot() throws {
    let image: [Float] = [1, 2, 3, 4, 5, 6] + [Float](repeating: 0, count: 6)
    let window = Window(size: 2, stride: 2, padding: 1)
    let with = try result(image) { try $0.append(.averagePool(window, countsPadding: true), $0.input, name: "p") }
    let without = try result(image) { try $0.append(.averagePool(window, countsPadding: false), $0.input, name: "p") }
    #expect(with == [0.25, 1.25, 1, 2.75] + [0, 0, 0, 0])
    #expect(without == [1, 2.5, 4, 5.5] + [0, 0, 0, 0])
}

@Test func aSelectionPadsCutsAndSkips() throws {
    let image = (1...12).map(Float.init)
    let selection = Selection(
        channels: Selection.Span(start: 1, count: 2), y: Selection.Span(start: -1, count: 4),
        x: Selection.Span(start: 0, count: 2, step: 2))
    let expected: [Float] = [0, 0, 7, 9, 10, 12, 0, 0] + [Float](repeating: 0, count: 8)
    #expect(try result(image) { try $0.append(.select(selection), $0.input, name: "s") } == expected)
    // The same as a convolution.
    let convolution = try #require(selection.convolution(of: shape))
    #expect(try result(image) { try $0.append(.convolution(convolution), $0.input, name: "s") } == expected)
}

@Test("A selection is the convolution it says", arguments: -2...3, [1, 2, 3])
func selectionsAreConvolutions(start: Int, step: Int) throws {
    let image = (1...12).map(Float.init)
    for count in 1...5 {
        let span = Selection.Span(start: start, count: count, step: step)
        for channels in [Selection.Span(count: 2), Selection.Span(start: -1, count: 5)] {
            let selection = Selection(channels: channels, y: Selection.Span(count: 2), x: span)
            let convolution = try #require(selection.convolution(of: shape))
            let operations = [Operation.select(selection), .convolution(convolution)]
            let found = try operations.map { operation in
                try result(image) { try $0.append(operation, $0.input, name: "s") }
            }
            #expect(found[0] == found[1])
        }
    }
}

@Test func flatteningKeepsTheOrder() throws {
    let image = (1...12).map(Float.init)
    #expect(try result(image) { try $0.append(.flatten, $0.input, name: "f") } == image)
}

@Test(arguments: [
    Operation.multiply, .select(Selection(whole: FeatureShape(channels: 2, height: 0, width: 1))),
    .select(Selection(channels: .init(count: 1 << 20), y: .init(count: 1 << 20), x: .init(count: 1 << 20))),
    .averagePool(Window(size: 1, padding: 1), countsPadding: false), .averagePool(Window(size: 9), countsPadding: true),
    .convolution(
        Convolution(
            inputChannels: 2, outputChannels: 1, window: Window(size: 1, stride: 0), weights: [1, 1], bias: [0])),
    .maxPool(Window(size: 2, padding: 1 << 40)),
])
func anOperationRefusesWhatMakesNoSense(operation: Operation) {
    var graph = FloatGraph(input: shape)
    #expect(throws: GraphError.shapesDisagree(node: "n", inputs: [shape])) {
        try graph.append(operation, graph.input, name: "n")
    }
}
