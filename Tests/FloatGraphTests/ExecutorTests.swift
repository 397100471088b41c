import SampleNetworks
import Testing

@testable import FloatGraph

/// The definition of a convolution, for one image `[channels][height][width]`.
private func naive(_ convolution: Convolution, of image: [Float], _ input: FeatureShape, _ output: FeatureShape)
    -> [Float]
{
    let window = convolution.window
    var result: [Float] = []
    for channel in 0..<output.channels {
        let group = channel / (output.channels / convolution.groups)
        for y in 0..<output.height {
            for x in 0..<output.width {
                var sum = Double(convolution.bias[channel])
                for groupInput in 0..<input.channels / convolution.groups {
                    let inputChannel = group * (input.channels / convolution.groups) + groupInput
                    for ky in 0..<window.y.size {
                        for kx in 0..<window.x.size {
                            let row = y * window.y.stride - window.y.before + ky * window.y.dilation
                            let column = x * window.x.stride - window.x.before + kx * window.x.dilation
                            guard (0..<input.height).contains(row), (0..<input.width).contains(column) else { continue }
                            let weight =
                                ((channel * (input.channels / convolution.groups) + groupInput) * window.y.size + ky)
                                * window.x.size + kx
                            let pixel = (inputChannel * input.height + row) * input.width + column
                            sum += Double(convolution.weights[weight]) * Double(image[pixel])
                        }
                    }
                }
                result.append(Float(sum))
            }
        }
    }
    return result
}

/// What a graph of one operation computes from each image.
private func results(of operation: Operation, for images: [[Float]], shape: FeatureShape) throws -> [[Float]] {
    var graph = FloatGraph(input: shape)
    try graph.append(operation, graph.input, name: "tested")
    return graph.features(of: Activations(shape: shape, images: images))
}

private func agree(_ a: [Float], _ b: [Float], within tolerance: Float) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance }
}

/// Both directions differ, and so do the sides.
private let crooked = Window(
    y: Window.Axis(size: 3, stride: 2, dilation: 2, before: 0, after: 3),
    x: Window.Axis(size: 2, stride: 1, dilation: 3, before: 4, after: 1))

@Test(
    "A convolution of a batch is the definition's, image by image",
    arguments: [
        (Window(size: 3, padding: 1), 5, 7), (Window(size: 3, stride: 2, padding: 1), 5, 7),
        (Window(size: 3, stride: 2, padding: 1), 6, 4), (Window(size: 1), 3, 3), (Window(size: 1, stride: 2), 5, 5),
        (Window(size: 7, stride: 2, padding: 3), 9, 8), (Window(size: 3), 3, 3), (Window(size: 5, padding: 4), 2, 2),
        (crooked, 6, 5), (Window(size: 3, stride: 4, padding: 3), 4, 3),
    ], [(1, 4), (2, 6), (4, 4), (4, 8)])
func convolutionIsTheDefinition(case: (window: Window, height: Int, width: Int), size: (groups: Int, outputs: Int))
    throws
{
    var values = SampleValues(seed: 7)
    let shape = FeatureShape(channels: 4, height: `case`.height, width: `case`.width)
    let window = `case`.window
    let convolution = Convolution(
        inputChannels: 4, outputChannels: size.outputs, groups: size.groups, window: window,
        weights: values.array(size.outputs * 4 / size.groups * window.count), bias: values.array(size.outputs))
    let images = (0..<3).map { _ in values.array(shape.count) }
    let output = try #require(Operation.convolution(convolution).outputShape(of: [shape]))
    let found = try results(of: .convolution(convolution), for: images, shape: shape)
    for (image, result) in zip(images, found) {
        #expect(agree(result, naive(convolution, of: image, shape, output), within: 1e-5))
    }
}

@Test func aClipCutsOffOnBothSides() throws {
    let shape = FeatureShape(channels: 1, height: 1, width: 4)
    #expect(try results(of: .relu6, for: [[-1, 2, 6, 7]], shape: shape) == [[0, 2, 6, 6]])
    let clip = Operation.activation(.clip(low: -0.5, high: .infinity))
    #expect(try results(of: clip, for: [[-1, 2, 6, 7]], shape: shape) == [[-0.5, 2, 6, 7]])
}

@Test func asTensorFlowPadsTheOddPixelLiesBehindTheImage() {
    #expect(Window.Axis.same(size: 3, stride: 2, edge: 224) == Window.Axis(size: 3, stride: 2, before: 0, after: 1))
    #expect(Window.Axis.same(size: 5, stride: 2, edge: 15) == Window.Axis(size: 5, stride: 2, before: 2, after: 2))
    #expect(Window.Axis.same(size: 1, stride: 2, edge: 5) == Window.Axis(size: 1, stride: 2))
}

@Test func aBatchLargerThanATileGivesTheSameAsItsImagesAlone() throws {
    var values = SampleValues(seed: 8)
    let shape = FeatureShape(channels: 8, height: 32, width: 32)
    let convolution = Convolution(
        inputChannels: 8, outputChannels: 2, window: Window(size: 3, stride: 1, padding: 1),
        weights: values.array(2 * 8 * 9), bias: values.array(2))
    // 2^18 / (72 * 1024) gives tiles of three images.
    let images = (0..<5).map { _ in values.array(shape.count) }
    let together = try results(of: .convolution(convolution), for: images, shape: shape)
    let alone = try images.flatMap { try results(of: .convolution(convolution), for: [$0], shape: shape) }
    #expect(zip(together, alone).allSatisfy { agree($0, $1, within: 1e-5) })
}

@Test func optionATakesEverySecondPixelAndPadsChannelsOnBothSides() throws {
    let shape = FeatureShape(channels: 2, height: 3, width: 3)
    let images = [(1...18).map(Float.init), (101...118).map(Float.init)]
    let found = try results(
        of: .select(Selection(optionAShortcutOf: shape, channels: 4)), for: images, shape: shape)
    let zeros: [Float] = [0, 0, 0, 0]
    #expect(found[0] == zeros + [1, 3, 7, 9] + [10, 12, 16, 18] + zeros)
    #expect(found[1] == zeros + [101, 103, 107, 109] + [110, 112, 116, 118] + zeros)
}

@Test func maximumPoolingIgnoresPositionsOutsideTheImage() throws {
    let shape = FeatureShape(channels: 1, height: 3, width: 3)
    let images: [[Float]] = [[-1, -2, -3, -4, -5, -6, -7, -8, -9]]
    let pool = Operation.maxPool(Window(size: 3, stride: 2, padding: 1))
    #expect(try results(of: pool, for: images, shape: shape) == [[-1, -2, -4, -5]])
}

@Test func globalAveragePoolingIsTheMeanOfEachChannel() throws {
    let shape = FeatureShape(channels: 2, height: 1, width: 2)
    let images: [[Float]] = [[1, 2, 3, 5], [0, 0, -1, 1]]
    #expect(try results(of: .globalAveragePool, for: images, shape: shape) == [[1.5, 4], [0, 0]])
}

@Test func aValueThatIsReadTwiceIsNotOverwrittenInPlace() throws {
    let shape = FeatureShape(channels: 1, height: 1, width: 2)
    var graph = FloatGraph(input: shape)
    let rectified = try graph.append(.relu, graph.input, name: "relu")
    let sum = try graph.append(.add, rectified, graph.input, name: "add")
    try graph.append(.concat, sum, rectified, name: "concat")
    let found = graph.features(of: Activations(shape: shape, images: [[-3, 2]]))
    #expect(found == [[-3, 4, 0, 2]])
}

@Test func addingAValueToItselfDoublesIt() throws {
    let shape = FeatureShape(channels: 1, height: 1, width: 2)
    var graph = FloatGraph(input: shape)
    let doubled = try graph.append(.add, graph.input, graph.input, name: "add")
    try graph.append(.add, doubled, doubled, name: "again")
    #expect(graph.features(of: Activations(shape: shape, images: [[-3, 2]])) == [[-12, 8]])
}

@Test func anOperationRefusesInputsOfAWrongShape() throws {
    var graph = FloatGraph(input: FeatureShape(channels: 2, height: 4, width: 4))
    let smaller = try graph.append(.maxPool(Window(size: 2, stride: 2, padding: 0)), graph.input, name: "pool")
    #expect(throws: GraphError.shapesDisagree(node: "sum", inputs: [graph[graph.input].shape, graph[smaller].shape])) {
        try graph.append(.add, graph.input, smaller, name: "sum")
    }
    #expect(throws: GraphError.self) { try graph.append(.concat, graph.input, smaller, name: "concat") }
    #expect(throws: GraphError.self) {
        try graph.append(.maxPool(Window(size: 5, stride: 1, padding: 0)), graph.input, name: "too large")
    }
}
