import ModelFormat
import Testing
import TinyModel

private typealias OperationChange = Change<OperationRecord, ModelError.Field>

private let addedChanges: [(OperationKind, OperationChange)] = [
    (.lookup, OperationChange(.overlap) { $0.output.arenaOffset += 8 }),
    (.multiply, OperationChange(.overlap) { $0.output.arenaOffset += 4 }),
    (.multiply, OperationChange(.overlap) { $0.residual.arenaOffset += 8 }),
    // All pixels are multiplied with the first, which the product replaces.
    (.multiply, OperationChange(.overlap) { ($0.residual.height, $0.residual.width) = (1, 1) }),
    (.averagePool, OperationChange(.overlap) { $0.input = $0.output }),
    (.maxPool, OperationChange(.overlap) { $0.input = $0.output }),
    (.lookup, OperationChange(.input) { $0.input.arenaOffset = 65536 }),
    (.lookup, OperationChange(.output) { $0.output.arenaOffset = 65536 }),
    (.lookup, OperationChange(.output) { $0.output.channels = 7 }),
    (.lookup, OperationChange(.weights) { $0.weightsOffset += 1 }),
    (.lookup, OperationChange(.weights) { $0.weightsOffset -= 1 }),
    (.multiply, OperationChange(.output) { $0.output.width = 5 }),
    (.multiply, OperationChange(.clamp) { $0.outputMax = 256 }),
    (.multiply, OperationChange(.clamp) { $0.outputMin = $0.outputMax + 1 }),
    (.multiply, OperationChange(.residual) { $0.residual = TensorView() }),
    (.multiply, OperationChange(.residual) { $0.residual.arenaOffset = 65536 }),
    (.multiply, OperationChange(.residual) { $0.residual.height = 1 }),
    (
        .multiply,
        OperationChange(.residual) { ($0.residual.height, $0.residual.width, $0.residual.channels) = (1, 1, 4) }
    ),
    (.averagePool, OperationChange(.output) { $0.output.channels = 4 }),
    (.averagePool, OperationChange(.output) { $0.output.arenaOffset = 65536 }),
    (.averagePool, OperationChange(.kernel) { $0.kernelWidth = 0 }),
    (.averagePool, OperationChange(.stride) { $0.strideX = 0 }),
    (.averagePool, OperationChange(.padding) { $0.paddingTop = 1 << 20 }),
    (.averagePool, OperationChange(.dilation) { $0.dilationX = 2 }),
    (.averagePool, OperationChange(.flags) { $0.countsPadding = 2 }),
    (.maxPool, OperationChange(.dilation) { $0.dilationY = 2 }),
    (.maxPool, OperationChange(.output) { $0.output.channels = 4 }),
]

@Suite struct AnOperationWithoutWeightsOfItsOwn {
    @Test(arguments: [OperationKind.lookup, .multiply, .averagePool, .maxPool])
    func isGoodAsItIs(kind: OperationKind) throws {
        try verify(TinyModel.contents(with: kind).serialized())
        // A factor of one pixel is for all pixels.
        let elsewhere = TinyModel.contents.operations[0].output.arenaOffset
        try verify(
            TinyModel.contents(with: kind) {
                ($0.residual.height, $0.residual.width, $0.residual.arenaOffset) = (1, 1, elsewhere)
            }.serialized())
    }

    @Test(arguments: addedChanges)
    fileprivate func cannotBeOutOfBounds(kind: OperationKind, change: OperationChange) {
        #expect(throws: ModelError.badOperation(index: 2, change.expected)) {
            try verify(TinyModel.contents(with: kind, change.apply).serialized())
        }
    }
}

@Suite struct AnOutput {
    @Test func mayTakeThePlaceOfWhatIsAddedToIt() throws {
        var contents = TinyModel.contents
        contents.operations[1].residual = contents.operations[1].output
        try verify(contents.serialized())
    }

    /// The input is some channels of a tensor, the output others.
    @Test func mayLieBetweenTheInputsPixels() throws {
        var contents = TinyModel.contents
        let start = UInt32(contents.activationBytes) + 65_536  // the scratch memory before it may grow
        contents.activationBytes = UInt64(start) + 6 * 6 * 16
        func part(_ view: TensorView, from channel: UInt32) -> TensorView {
            var part = view
            (part.arenaOffset, part.pixelStride) = (start + channel, 16)
            return part
        }
        contents.operations[0].output = part(contents.operations[0].output, from: 0)
        contents.operations[1].input = contents.operations[0].output
        contents.operations[1].residual = contents.operations[0].output
        contents.operations[1].output = part(contents.operations[1].output, from: 8)
        contents.operations[2].input = contents.operations[1].output
        for index in 0..<2 {
            contents.operations[index].scratchBytes = UInt32(contents.operations[index].requiredScratchBytes)
        }
        try verify(contents.serialized())
        contents.operations[1].output.arenaOffset = start + 4
        #expect(throws: ModelError.badOperation(index: 1, .overlap)) { try verify(contents.serialized()) }
    }

    @Test func ofFeaturesIsNotWrittenOverTheMapThatTheyAreTheMeansOf() {
        var contents = TinyModel.contents
        contents.operations[2].output.arenaOffset = contents.operations[2].input.arenaOffset + 64
        #expect(throws: ModelError.badOperation(index: 2, .overlap)) { try verify(contents.serialized()) }
    }
}
