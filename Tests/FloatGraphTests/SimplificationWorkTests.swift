import Testing

@testable import FloatGraph

/// Simplification is given networks of strangers: its work grows with the network, and nothing in one stops it.
@Suite struct SimplificationWorkTests {
    private typealias Value = FloatGraph.Value

    private func graph(_ shape: FeatureShape = FeatureShape(channels: 2, height: 1, width: 1)) -> FloatGraph {
        FloatGraph(input: shape)
    }

    private func chain(_ count: Int, _ operation: (Int) -> Operation) throws(GraphError) -> FloatGraph {
        var graph = graph()
        for number in 0..<count { try graph.append(operation(number), graph.features, name: "\(number)") }
        return graph
    }

    @Test func `a chain of functions takes work by its length`() throws {
        func work(_ count: Int) throws -> Int {
            try chain(count) { $0 % 2 == 0 ? .activation(.sigmoid) : .activation(.leakyReLU(slope: 0.5)) }
                .simplifiedCounting().work
        }
        #expect(try work(4000) <= 3 * work(2000))
        #expect(try work(4000) <= 4000 * 64)
    }

    @Test func `thousands of clips become one`() throws {
        let simplified = try chain(3000) { _ in .relu }.simplified()
        #expect(simplified.nodes.count == 2)
    }

    @Test func `a convolution takes in a few normalisations, and the others each other`() throws {
        let convolution = Convolution(
            inputChannels: 2, outputChannels: 2, window: Window(size: 1), weights: [1, 2, 3, 4], bias: [0, 0])
        let norm = BatchNorm(factors: [0.5, 2], offsets: [1, -1])
        let graph = try chain(101) { $0 == 0 ? .convolution(convolution) : .batchNorm(norm) }
        let (simplified, work) = graph.simplifiedCounting()
        #expect(simplified.nodes.count == 3 && work <= 8 * convolution.weights.count)
        let image = Activations(shape: graph[graph.input].shape, images: [[1, -1]])
        let (expected, found) = (graph.features(of: image)[0], simplified.features(of: image)[0])
        #expect(zip(expected, found).allSatisfy { abs($0 - $1) <= 1e-5 * (1 + abs($0)) })
    }

    @Test func `a chain of concatenations takes work by its length, and a doubling one none beyond measure`() throws {
        func work(_ count: Int) throws -> Int {
            var graph = graph()
            for number in 0..<count {
                try graph.append(.concat, graph.features, graph.input, name: "\(number)")
            }
            return graph.simplifiedCounting().work
        }
        #expect(try work(800) <= 3 * work(400))

        var doubling = graph()
        for number in 0..<24 { try doubling.append(.concat, doubling.features, doubling.features, name: "\(number)") }
        #expect(doubling.simplifiedCounting().work < 24 * 1024)
    }

    @Test func `a list that begins with all of an earlier one takes its result in`() throws {
        var graph = graph(FeatureShape(channels: 1, height: 1, width: 1))
        let a = try graph.append(.activation(.sigmoid), graph.input, name: "a")
        let b = try graph.append(.activation(.relu), graph.input, name: "b")
        let first = try graph.append(.concat, [graph.input, a], name: "first")
        let c = try graph.append(.convolution(.copy(of: 2)), first, name: "c")
        let all = try graph.append(.concat, [graph.input, a, b], name: "all")
        try graph.append(.concat, [all, c], name: "whole")
        let simplified = graph.simplified()
        let image = Activations(shape: graph[graph.input].shape, images: [[0.5]])
        #expect(simplified.features(of: image) == graph.features(of: image))
        let names = simplified.nodes.filter { if case .concat = $0.operation { true } else { false } }
        #expect(names.map(\.inputs.count) == [2, 2, 2])
    }

    @Test func `what would become a window or a selection beyond all sizes stays as it is`() throws {
        // Two steps of 300 pixels make one of 90,000.
        let step = Selection.Span(count: 1, step: 300)
        var far = graph(FeatureShape(channels: 1, height: 4, width: 4))
        for name in ["first", "second"] {
            try far.append(.select(Selection(channels: .init(count: 1), y: step, x: step)), far.features, name: name)
        }
        let image = Activations(shape: far[far.input].shape, images: [(0..<16).map(Float.init)])
        #expect(far.simplified().features(of: image) == far.features(of: image))

        // As many zeros as may be, around an image that a convolution pads too.
        var padded = graph(FeatureShape(channels: 1, height: 1, width: 1))
        var zeros = Selection(whole: padded[padded.input].shape)
        zeros.y = Selection.Span(start: -65536, count: 65537)
        try padded.append(.select(zeros), padded.input, name: "pad")
        let window = Window(y: Window.Axis(size: 1, stride: 1, before: 1, after: 1), x: Window.Axis(size: 1))
        let convolution = Convolution(inputChannels: 1, outputChannels: 1, window: window, weights: [1], bias: [0])
        try padded.append(.convolution(convolution), padded.features, name: "convolution")
        #expect(padded.simplified().nodes.count == 3)

        // A linear layer of an image that is higher than any window.
        var high = graph(FeatureShape(channels: 1, height: 70_000, width: 1))
        try high.append(.flatten, high.input, name: "flatten")
        let linear = Convolution(
            inputChannels: 70_000, outputChannels: 1, window: Window(size: 1),
            weights: [Float](repeating: 1, count: 70_000), bias: [0])
        try high.append(.convolution(linear), high.features, name: "linear")
        #expect(high.simplified().nodes.count == 3)
    }

    @Test func `a convolution that pads a flattened image is no convolution of the image`() throws {
        var graph = graph(FeatureShape(channels: 1, height: 2, width: 2))
        try graph.append(.flatten, graph.input, name: "flatten")
        let window = Window(y: Window.Axis(size: 1), x: Window.Axis(size: 1, after: 1))
        let padding = Convolution(
            inputChannels: 4, outputChannels: 1, window: window, weights: [1, 2, 3, 4], bias: [10])
        try graph.append(.convolution(padding), graph.features, name: "convolution")
        try graph.append(.globalAveragePool, graph.features, name: "features")
        let image = Activations(shape: graph[graph.input].shape, images: [[1, 1, 1, 1]])
        #expect(graph.features(of: image) == [[15]])
        #expect(graph.simplified().features(of: image) == [[15]])
    }

    @Test func `a selection of a selection is found for endless sizes too`() {
        let first = Selection.Span(start: -3, count: 1 << 28)
        let second = Selection.Span(start: 3, count: (1 << 28) - 3)
        #expect(second.after(first, of: (1 << 28) - 3) == Selection.Span(count: (1 << 28) - 3))
        // The first cuts off what the second would show again as zeros.
        #expect(Selection.Span(start: 0, count: 4).after(Selection.Span(start: 0, count: 2), of: 4) == nil)
        #expect(Selection.Span(start: 1, count: 2).after(Selection.Span(start: -1, count: 6), of: 4) == .init(count: 2))
    }

    @Test func `more weights than are computed with are refused as they come`() throws {
        var graph = graph()
        let shared = Convolution(
            inputChannels: 2, outputChannels: 2, groups: 1, window: Window(size: 1 << 12),
            weights: [Float](repeating: 0, count: 1 << 26), bias: [0, 0])
        let window = Window(
            y: Window.Axis(size: 1 << 12, before: 1 << 12), x: Window.Axis(size: 1 << 12, before: 1 << 12))
        var padded = shared
        padded.window = window
        let error = #expect(throws: GraphError.self) {
            for number in 0..<8 { try graph.append(.convolution(padded), graph.features, name: "\(number)") }
        }
        #expect(error == .tooManyWeights(node: "3", limit: 1 << 28))
    }
}

extension Convolution {
    /// Gives each of its channels.
    fileprivate static func copy(of channels: Int) -> Convolution {
        Convolution(
            inputChannels: channels, outputChannels: channels, groups: channels, window: Window(size: 1),
            weights: [Float](repeating: 1, count: channels), bias: [Float](repeating: 0, count: channels))
    }
}
