import ModelFormat
import Testing
import TinyModel

private typealias OperationChange = Change<OperationRecord, ModelError.Field>

/// Numbers of the parameters section of an added operation, which are its last, changed to others.
private struct NumberChange: CustomTestStringConvertible, Sendable {
    let kind: OperationKind
    let field: ModelError.Field
    let index: Int
    let value: UInt32

    init(_ kind: OperationKind, _ field: ModelError.Field, _ index: Int, _ value: UInt32) {
        (self.kind, self.field, self.index, self.value) = (kind, field, index, value)
    }

    init(_ kind: OperationKind, _ field: ModelError.Field, _ index: Int, float value: Float) {
        self.init(kind, field, index, value.bitPattern)
    }

    var testDescription: String { "\(kind), number \(index) as \(value)" }
}

private let sequenceKinds: [OperationKind] = [
    .constant, .rearrange, .resample, .softmax, .layerNorm, .l2Norm, .matrixProduct,
]

/// What each kind refuses.
private let everySequenceChange: [(OperationKind, OperationChange)] = sequenceKinds.flatMap(changesOfEvery)

private func changesOfEvery(_ kind: OperationKind) -> [(OperationKind, OperationChange)] {
    var changes = [
        OperationChange(.output) { $0.output.height = 0 },
        OperationChange(.output) { $0.output.width = 1 << 16 },
        OperationChange(.clamp) { $0.outputMax = 256 },
    ]
    // What a group or a pixel is normalised by is known before any of it is written.
    let overlap = OperationChange(.overlap) { $0.output.arenaOffset = $0.input.arenaOffset + 4 }
    // A constant's input is its output.
    if kind != .constant {
        changes.append(overlap)
        changes.append(OperationChange(.input) { $0.input.height = 0 })
        changes.append(OperationChange(.output) { $0.output.arenaOffset = 65536 })
    }
    // The others have no numbers in the parameters section.
    if kind != .constant && kind != .matrixProduct {
        changes.append(OperationChange(.parameters) { $0.parametersOffset += 4096 })
        changes.append(OperationChange(.parameters) { $0.parametersOffset -= 1 })
    }
    return changes.map { (kind, $0) }
}

private let sequenceChanges: [(OperationKind, OperationChange)] = [
    (.constant, OperationChange(.output) { $0.input.zeroPoint += 1 }),
    (.constant, OperationChange(.weights) { $0.weightsOffset += 1 }),
    (.rearrange, OperationChange(.output) { $0.output.scale *= 2 }),
    (.rearrange, OperationChange(.output) { $0.output.zeroPoint += 1 }),
    (.rearrange, OperationChange(.steps) { $0.output.channels = 4 }),
    (.rearrange, OperationChange(.steps) { $0.input.channels = 4 }),
    (.resample, OperationChange(.output) { $0.output.scale *= 2 }),
    (.resample, OperationChange(.output) { $0.output.channels = 4 }),
    (.resample, OperationChange(.taps) { $0.input.height = 5 }),
    (.softmax, OperationChange(.groups) { $0.groups = 3 }),
    (.softmax, OperationChange(.groups) { $0.groups = 0 }),
    (.softmax, OperationChange(.output) { $0.output.channels = 4 }),
    (.layerNorm, OperationChange(.output) { $0.output.channels = 4 }),
    (.l2Norm, OperationChange(.groups) { $0.groups = 3 }),
    (.l2Norm, OperationChange(.output) { $0.output.channels = 4 }),
    (.rearrange, OperationChange(.overlap) { $0.output.arenaOffset = $0.input.arenaOffset }),
    (.resample, OperationChange(.overlap) { $0.output.arenaOffset = $0.input.arenaOffset }),
    (.matrixProduct, OperationChange(.overlap) { $0.output.arenaOffset = $0.input.arenaOffset }),
    (.matrixProduct, OperationChange(.overlap) { $0.output.arenaOffset = $0.residual.arenaOffset }),
    (.matrixProduct, OperationChange(.groups) { $0.groups = 3 }),
    (.matrixProduct, OperationChange(.residual) { $0.residual.channels = 4 }),
    (.matrixProduct, OperationChange(.residual) { $0.residual.zeroPoint = 127 }),
    (.matrixProduct, OperationChange(.residual) { $0.residual.arenaOffset = 1 << 20 }),
    (.matrixProduct, OperationChange(.output) { $0.residual.width = 5 }),
    (.matrixProduct, OperationChange(.output) { $0.output.height = 5 }),
    (.matrixProduct, OperationChange(.scratch) { $0.scratchOffset += 4 }),
    (.matrixProduct, OperationChange(.scratch) { $0.scratchOffset += 64 }),
    (.matrixProduct, OperationChange(.scratch) { $0.scratchOffset = $0.residual.arenaOffset }),
    (.matrixProduct, OperationChange(.scratchSize) { $0.scratchBytes -= 64 }),
]

private let numberChanges: [NumberChange] = [
    NumberChange(.rearrange, .steps, 0, 9), NumberChange(.rearrange, .steps, 1, 9),
    NumberChange(.rearrange, .parameters, 1, 8),
    NumberChange(.rearrange, .steps, 2, 35), NumberChange(.rearrange, .steps, 2, 0),
    NumberChange(.rearrange, .steps, 3, 2), NumberChange(.rearrange, .steps, 3, 1 << 31),
    NumberChange(.rearrange, .steps, 4, 1), NumberChange(.rearrange, .steps, 5, 9),
    NumberChange(.rearrange, .steps, 6, 6), NumberChange(.rearrange, .steps, 7, 2),
    NumberChange(.resample, .taps, 0, 6), NumberChange(.resample, .taps, 19, 6),
    NumberChange(.resample, .taps, 2, 2049),
    NumberChange(.softmax, .table, 0, 0), NumberChange(.softmax, .table, 255, 65537),
    NumberChange(.layerNorm, .multiplier, 0, float: 0), NumberChange(.layerNorm, .multiplier, 0, float: .nan),
    NumberChange(.layerNorm, .multiplier, 1, float: .infinity), NumberChange(.layerNorm, .multiplier, 16, float: .nan),
    NumberChange(.l2Norm, .multiplier, 0, float: 0), NumberChange(.l2Norm, .multiplier, 0, float: .infinity),
]

@Suite struct AnOperationOfSequences {
    @Test(arguments: sequenceKinds)
    fileprivate func isGoodAsItIs(kind: OperationKind) throws {
        try verify(TinyModel.contents(with: kind).serialized())
    }

    @Test(arguments: everySequenceChange + sequenceChanges)
    fileprivate func cannotBeOutOfBounds(kind: OperationKind, change: OperationChange) {
        #expect(throws: ModelError.badOperation(index: 2, change.expected)) {
            try verify(TinyModel.contents(with: kind, change.apply).serialized())
        }
    }

    @Test(arguments: numberChanges)
    fileprivate func cannotHaveOtherNumbers(change: NumberChange) {
        var contents = TinyModel.contents(with: change.kind)
        contents.parameters[Int(contents.operations[2].parametersOffset) / 4 + change.index] = change.value
        #expect(throws: ModelError.badOperation(index: 2, change.field)) { try verify(contents.serialized()) }
    }

    @Test func sumsNoMoreProductsThan32BitsHold() {
        var operation = TinyModel.contents(with: .matrixProduct).operations[2]
        func setChannels(_ channels: UInt32) {
            (operation.input.channels, operation.input.pixelStride) = (channels, (channels + 3) / 4 * 4)
            (operation.residual.channels, operation.residual.pixelStride) = (channels, (channels + 3) / 4 * 4)
        }
        setChannels(32767)
        #expect(operation.shapeFault == nil)
        setChannels(32768)
        #expect(operation.shapeFault == .accumulator)
    }
}
