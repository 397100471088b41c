import FloatGraph
import SampleNetworks
import Testing

@testable import Quantization

private func convolution(_ inputs: Int, _ outputs: Int) -> Operation {
    .convolution(
        Convolution(
            inputChannels: inputs, outputChannels: outputs, window: Window(size: 1, stride: 1, padding: 0),
            weights: [Float](repeating: 1, count: inputs * outputs), bias: [Float](repeating: 0, count: outputs)))
}

/// A graph of 4 channels and 2x2 pixels.
private func graph(_ build: (inout FloatGraph) throws -> Void) rethrows -> FloatGraph {
    var graph = FloatGraph(input: FeatureShape(channels: 4, height: 2, width: 2))
    try build(&graph)
    return graph
}

@Test func theReferenceNetworkBecomes33ConvolutionsAndAPooling() throws {
    let graph = try Architecture.twoBranchResNet32.graph(of: sampleState(), height: 32, width: 32).simplified()
    let network = try FusedNetwork(graph)
    let residuals = network.steps.compactMap { step -> FusedNetwork.Residual? in
        guard case .convolution(_, let residual, let clip) = step.kind else { return nil }
        #expect(clip == 0...Float.infinity)
        return residual
    }
    #expect(network.steps.count == 34)
    #expect(residuals.count == 16)
    #expect(residuals.filter { $0.step == 2 }.map(\.channelOffset) == [8, 16])
    #expect(network.slices.values.map(\.channelOffset).sorted() == [0, 64])
}

@Test func ofTwoConvolutionsThatAreAddedTheLaterTakesTheSumIn() throws {
    let graph = try graph { graph in
        let first = try graph.append(convolution(4, 4), graph.input, name: "first")
        let second = try graph.append(convolution(4, 4), graph.input, name: "second")
        let sum = try graph.append(.add, second, first, name: "sum")
        try graph.append(.globalAveragePool, sum, name: "features")
    }
    let network = try FusedNetwork(graph)
    #expect(network.steps.map(\.name) == ["first", "second", "features"])
    guard case .convolution(_, nil, nil) = network.steps[0].kind,
        case .convolution(_, let residual?, nil) = network.steps[1].kind
    else {
        Issue.record("the sum is in the wrong step")
        return
    }
    #expect(residual.value == network.steps[0].output)
}

@Test func aConvolutionThatIsAlsoReadBeforeItsReLUStaysAlone() throws {
    let graph = try graph { graph in
        let value = try graph.append(convolution(4, 4), graph.input, name: "conv")
        let other = try graph.append(convolution(4, 4), value, name: "other")
        let sum = try graph.append(.add, other, value, name: "sum")
        try graph.append(.globalAveragePool, sum, name: "features")
    }
    #expect(try FusedNetwork(graph).steps.map(\.name) == ["conv", "other", "features"])
}

@Test func aPoolingPassesTheNumbersOfItsInputOn() throws {
    let graph = try graph { graph in
        let value = try graph.append(convolution(4, 4), graph.input, name: "conv")
        let pooled = try graph.append(.maxPool(Window(size: 2, stride: 1, padding: 0)), value, name: "pool")
        try graph.append(.globalAveragePool, pooled, name: "features")
    }
    let network = try FusedNetwork(graph)
    #expect(network.quantizationSource(of: network.steps[1].output) == network.steps[0].output)
}

@Test func aNodeThatNoStepTakesInIsNamed() throws {
    let sumOfInputs = try graph { graph in
        let value = try graph.append(.add, graph.input, graph.input, name: "lone")
        try graph.append(.globalAveragePool, value, name: "features")
    }
    let shortcutIntoConvolution = try graph { graph in
        var value = try graph.append(
            .select(Selection(optionAShortcutOf: graph[graph.input].shape, channels: 8)), graph.input, name: "lone")
        value = try graph.append(convolution(8, 4), value, name: "conv")
        try graph.append(.globalAveragePool, value, name: "features")
    }
    let concatOfInput = try graph { graph in
        var value = try graph.append(convolution(4, 4), graph.input, name: "conv")
        value = try graph.append(.concat, graph.input, value, name: "lone")
        try graph.append(.globalAveragePool, value, name: "features")
    }
    let withoutFeatures = try graph { graph in
        try graph.append(convolution(4, 4), graph.input, name: "lone")
    }
    for graph in [sumOfInputs, shortcutIntoConvolution, concatOfInput, withoutFeatures] {
        #expect(throws: QuantizationError.unsupportedNode(name: "lone")) { try FusedNetwork(graph) }
    }
}
