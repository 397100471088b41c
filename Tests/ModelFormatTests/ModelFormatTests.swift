import Testing
import TinyModel

@testable import ModelFormat

func verify(_ file: [UInt8]) throws(ModelError) {
    let aligned = AlignedBytes(file)
    _ = try Model(verifying: aligned.readOnly)
}

/// The tiny model's file with bytes stored at an offset, sealed again with a right checksum.
private func file<T: FixedWidthInteger & BitwiseCopyable>(storing value: T, at offset: Int) -> [UInt8] {
    var file = TinyModel.contents.serialized()
    file.store(value, at: offset)
    file.seal()
    return file
}

private func file(_ change: (inout ModelContents) -> Void) -> [UInt8] {
    var contents = TinyModel.contents
    change(&contents)
    return contents.serialized()
}

@Suite struct AGoodFile {
    @Test func readsBackWhatWasWritten() throws {
        let contents = TinyModel.contents
        let file = TinyModel.file
        let model = try Model(verifying: file.readOnly)
        #expect(model.input == contents.input)
        #expect(model.head == contents.head)
        #expect((0..<model.operationCount).map(model.operation) == contents.operations)
        #expect(model.activationBytes == Int(contents.activationBytes))
        #expect(model.packedBytes(path: 0) == 0)
        #expect(model.packedBytes(path: 15) == nil)
        #expect((0..<4).map { String(decoding: model.className($0), as: UTF8.self) } == contents.classNames)
        #expect((0..<3).map { String(decoding: model.operationName($0), as: UTF8.self) } == contents.operationNames)
        #expect((0..<4).map(model.classCount) == contents.classCounts.map(Optional.some))
        #expect(String(decoding: model.provenance, as: UTF8.self) == contents.provenance)
        let second = contents.operations[1]
        let weights = UnsafeRawBufferPointer(start: model.weights(of: second), count: Int(second.weightBytes))
        #expect(weights.map(Int8.init(bitPattern:)) == contents.weights.suffix(weights.count))
        #expect(model.headRows[31] == contents.headNumbers[31])
        #expect(model.headBias == nil)
        #expect(model.headCentre == nil)
        #expect(model.headDirections?[4] == 1)
        #expect(model.headDirectionTerms?[7] == contents.headNumbers.last)
    }

    @Test func readsBackHowItIsToBeJudged() throws {
        var contents = TinyModel.contents
        #expect(contents.serialized()[8] == 4)
        contents.exemptedClasses = [1, 3]
        contents.temperatures = [.init(alpha: 0, temperature: 1.5), .init(alpha: 2, temperature: 0.5)]
        let bytes = AlignedBytes(contents.serialized())
        // The oldest version that has what there is.
        #expect(contents.serialized()[8] == 5)
        let model = try Model(verifying: bytes.readOnly)
        #expect((0..<model.exemptedCount).map(model.exemptedClass) == [1, 3])
        #expect(model.temperature(at: 0) == 1.5 && model.temperature(at: 1) == 1)
        let (plain, file) = (TinyModel.contents, TinyModel.file)
        let old = try Model(verifying: file.readOnly)
        #expect(plain.exemptedClasses.isEmpty && old.exemptedCount == 0 && old.temperature(at: 1) == nil)
    }

    @Test func findsEachPartOfTheHeadWhereThereAreAll() throws {
        var contents = TinyModel.contents
        contents.head.hasBias = 1
        contents.head.hasCentre = 1
        let (bias, centre): ([Float], [Float]) = ([1, 2, 3, 4], [5, 6, 7, 8, 9, 10, 11, 12])
        contents.headNumbers.insert(contentsOf: bias + centre, at: 32)
        let bytes = AlignedBytes(contents.serialized())
        let model = try Model(verifying: bytes.readOnly)
        #expect((0..<4).map { model.headBias?[$0] } == bias)
        #expect((0..<8).map { model.headCentre?[$0] } == centre)
        #expect(model.headDirections?[0] == contents.headNumbers[44])
        #expect(model.headDirectionTerms?[7] == contents.headNumbers.last)
    }

    @Test func isTheSameBytesEachTime() {
        #expect(TinyModel.contents.serialized() == TinyModel.contents.serialized())
    }

    @Test func hasSectionsAtMultiplesOf64() throws {
        let file = TinyModel.file
        let model = try Model(verifying: file.readOnly)
        for raw in UInt32(1)...9 {
            #expect(model.sections[SectionKind(rawValue: raw)!].lowerBound % 64 == 0)
        }
    }

    @Test func needsNoClassCounts() throws {
        let bytes = AlignedBytes(file { $0.classCounts = [] })
        let model = try Model(verifying: bytes.readOnly)
        #expect(model.classCount(0) == nil)
    }
}

@Suite struct ADamagedFile {
    @Test func isRefusedTruncatedAtAnyByte() {
        let good = TinyModel.contents.serialized()
        for count in 0..<good.count {
            let expected: ModelError =
                count < Layout.headerBytes
                ? .tooShort(bytes: count) : .wrongFileSize(stated: UInt64(good.count), found: count)
            #expect(throws: expected) { try verify(Array(good.prefix(count))) }
        }
    }

    @Test func isRefusedWithAnyBitFlipped() {
        let good = TinyModel.contents.serialized()
        for offset in good.indices {
            var bad = good
            bad[offset] ^= 1 << UInt8(offset % 8)
            #expect(throws: ModelError.self, "byte \(offset)") { try verify(bad) }
        }
    }

    @Test func isNamedForWhatItIs() {
        #expect(throws: ModelError.notAModel) { try verify(file(storing: UInt8(ascii: "X"), at: 0)) }
        #expect(throws: ModelError.unsupportedVersion(found: 1)) { try verify(file(storing: UInt32(1), at: 8)) }
        var unsealed = TinyModel.contents.serialized()
        unsealed[unsealed.count - 1] ^= 1
        #expect {
            try verify(unsealed)
        } throws: { error in
            if case ModelError.wrongChecksum = error { true } else { false }
        }
    }
}

/// A change that makes a sound model unsound, and what the verifier must say of it.
struct Change<Subject, Expected: Sendable>: Sendable {
    let expected: Expected
    let apply: @Sendable (inout Subject) -> Void

    init(_ expected: Expected, _ apply: @escaping @Sendable (inout Subject) -> Void) {
        self.expected = expected
        self.apply = apply
    }
}

private typealias OperationChange = Change<OperationRecord, ModelError.Field>
private typealias ContentsChange = Change<ModelContents, ModelError>

private let operationChanges: [Change<OperationRecord, ModelError.Field>] = [
    OperationChange(.groups) { $0.groups = 3 },
    OperationChange(.groups) { $0.groups = 0 },
    OperationChange(.kernel) { $0.kernelHeight = 0 },
    OperationChange(.kernel) { $0.kernelWidth = 256 },
    OperationChange(.stride) { $0.strideY = 0 },
    OperationChange(.dilation) { $0.dilationX = 0 },
    OperationChange(.padding) { $0.paddingTop = 1 << 20 },
    OperationChange(.clamp) { $0.outputMax = 256 },
    OperationChange(.clamp) {
        $0.outputMin = 255
        $0.outputMax = 254
    },
    OperationChange(.input) { $0.input.arenaOffset = 65536 },
    OperationChange(.input) { $0.input.arenaOffset = .max - 3 },
    OperationChange(.input) {
        $0.input.height = 65535
        $0.input.width = 65535
    },
    OperationChange(.input) { $0.input.pixelStride = 4 },
    OperationChange(.input) { $0.input.pixelStride = 1 << 31 },
    OperationChange(.input) { $0.input.zeroPoint = 256 },
    OperationChange(.input) { $0.input.scale = .nan },
    OperationChange(.output) { $0.output.arenaOffset = 65536 },
    OperationChange(.output) { $0.output.arenaOffset = 513 },
    OperationChange(.output) { $0.output.scale = 0 },
    OperationChange(.residual) { $0.residualStep = 2 },
    OperationChange(.residual) { $0.residualStep = 0 },
    OperationChange(.residual) { $0.residual.arenaOffset = 65536 },
    OperationChange(.residual) { $0.residualChannelOffset = 1 << 31 },
    OperationChange(.residual) {
        $0.residual = TensorView()
        $0.residual.channels = .max
        $0.residualStep = 0
    },
    OperationChange(.residual) {
        $0.residual = TensorView()
        $0.residualStep = .max
    },
    OperationChange(.residual) {
        $0.residual = TensorView()
        ($0.residualStep, $0.residualChannelOffset) = (0, .max)
    },
    OperationChange(.overlap) { $0.output.arenaOffset = $0.input.arenaOffset },
    OperationChange(.overlap) { $0.output.arenaOffset = $0.input.arenaOffset + 8 },
    OperationChange(.overlap) { $0.residual.arenaOffset = $0.output.arenaOffset + 8 },
    OperationChange(.overlap) {
        $0.residual = $0.output
        $0.residualChannelOffset = 1
    },
    OperationChange(.scratch) { $0.scratchOffset = 1000 },
    OperationChange(.scratch) { $0.scratchBytes = 65536 },
    OperationChange(.scratch) { $0.scratchOffset = $0.output.arenaOffset },
    OperationChange(.scratch) { ($0.scratchOffset, $0.scratchBytes) = ($0.input.arenaOffset, 64) },
    OperationChange(.scratch) { $0.residual.arenaOffset = $0.scratchOffset },
    OperationChange(.scratch) { $0.output.arenaOffset = $0.scratchOffset + 64 },
    OperationChange(.scratchSize) { $0.scratchBytes = 0 },
    OperationChange(.scratchSize) { $0.scratchBytes -= 64 },
    OperationChange(.weights) { $0.weightsOffset = 1 << 30 },
    OperationChange(.weights) { $0.weightsOffset = 0 },
    OperationChange(.weights) { $0.kernelHeight = 255 },
    OperationChange(.parameters) { $0.parametersOffset = 1 << 30 },
    OperationChange(.parameters) { $0.parametersOffset = 1 },
]

private let contentsChanges: [Change<ModelContents, ModelError>] = [
    ContentsChange(.badHead(.classes)) { $0.head.classes = 0 },
    ContentsChange(.badHead(.dimensions)) { $0.head.heads = 3 },
    ContentsChange(.badHead(.featureNorm)) { $0.head.featureNorm = 9 },
    ContentsChange(.badHead(.flags)) { $0.head.hasBias = 2 },
    ContentsChange(.badHead(.flags)) { $0.head.hasCentre = 2 },
    ContentsChange(.badHead(.flags)) { $0.head.hasDirections = 2 },
    ContentsChange(.badJudging(.classes)) { $0.exemptedClasses = [4] },
    ContentsChange(.badJudging(.classes)) { $0.exemptedClasses = [2, 2] },
    ContentsChange(.badJudging(.classes)) { $0.exemptedClasses = [0, 1, 2, 3] },
    ContentsChange(.badJudging(.alpha)) { $0.temperatures = [.init(alpha: 0.5, temperature: 1)] },
    ContentsChange(.badJudging(.alpha)) {
        $0.temperatures = [.init(alpha: 0, temperature: 1), .init(alpha: 0, temperature: 2)]
    },
    ContentsChange(.badJudging(.alpha)) {
        $0.temperatures = [.init(alpha: 0, temperature: 1), .init(alpha: .nan, temperature: 2)]
    },
    ContentsChange(.badJudging(.temperature)) { $0.temperatures = [.init(alpha: 0, temperature: 0)] },
    ContentsChange(.badJudging(.temperature)) { $0.temperatures = [.init(alpha: 0, temperature: .infinity)] },
    ContentsChange(.badHead(.alpha)) { $0.head.defaultAlpha = .nan },
    ContentsChange(.badHead(.memory)) { $0.head.logitsOffset = 65536 },
    ContentsChange(.badHead(.memory)) { $0.head.plainLogitsOffset = 65536 },
    ContentsChange(.badHead(.numbers)) { $0.headNumbers[5] = .infinity },
    ContentsChange(.wrongSectionSize(.head)) { $0.headNumbers.removeLast() },
    ContentsChange(.wrongSectionSize(.head)) { $0.head.classes = 5 },
    ContentsChange(.wrongSectionSize(.head)) { $0.head.hasBias = 1 },
    ContentsChange(.wrongSectionSize(.head)) { $0.head.hasCentre = 1 },
    ContentsChange(.wrongSectionSize(.head)) { $0.head.hasDirections = 0 },
    ContentsChange(.wrongSectionSize(.classNames)) { $0.classNames.removeLast() },
    ContentsChange(.wrongSectionSize(.operationNames)) { $0.operationNames.append("more") },
    ContentsChange(.wrongSectionSize(.classCounts)) { $0.classCounts.append(1) },
    ContentsChange(.badName(.classNames, index: 1)) { $0.classNames[1] = "" },
    ContentsChange(.badName(.classNames, index: 2)) { $0.classNames[2] = "\u{1B}[2J" },
    // The second line, the start of a control sequence, turned text and a byte-order mark.
    ContentsChange(.badName(.classNames, index: 0)) { $0.classNames[0] = "next\u{85}line" },
    ContentsChange(.badName(.classNames, index: 0)) { $0.classNames[0] = "\u{9B}2J" },
    ContentsChange(.badName(.classNames, index: 0)) { $0.classNames[0] = "\u{202E}psaw" },
    ContentsChange(.badName(.classNames, index: 0)) { $0.classNames[0] = "\u{2066}wasp" },
    ContentsChange(.badName(.classNames, index: 0)) { $0.classNames[0] = "\u{FEFF}wasp" },
    ContentsChange(.badName(.provenance, index: 0)) { $0.provenance = "a\u{7F}" },
    ContentsChange(.badInput(.input)) { $0.input.tensor.height = 60_000 },
    ContentsChange(.badInput(.input)) { $0.input.tensor.channels = 4 },
    ContentsChange(.badInput(.channelOrder)) { $0.input.channelOrder = 2 },
    ContentsChange(.badInput(.resize)) { $0.input.resizeSide = 5 },
    ContentsChange(.badInput(.resize)) { $0.input.resizeMode = 3 },
    ContentsChange(.badInput(.resize)) {
        $0.input.resizeMode = InputFit.pad.rawValue
        $0.input.resizeSide += 1
    },
    ContentsChange(.badInput(.normalisation)) { $0.input.standardDeviation.y = 0 },
    ContentsChange(.badInput(.normalisation)) { $0.input.mean.z = .nan },
]

/// Files with a right checksum, as a hostile writer would make them.
@Suite struct AMaliciousFile {
    @Test func cannotPointSectionsOutOfTheFile() {
        let entry = Layout.headerBytes  // of the input section
        #expect(throws: ModelError.sectionOutOfBounds(.input)) {
            try verify(file(storing: UInt64(1) << 40, at: entry + 8))
        }
        #expect(throws: ModelError.sectionOutOfBounds(.input)) { try verify(file(storing: UInt64.max, at: entry + 16)) }
        #expect(throws: ModelError.sectionOutOfBounds(.input)) { try verify(file(storing: UInt64(64), at: entry + 8)) }
        #expect(throws: ModelError.sectionOutOfBounds(.input)) { try verify(file(storing: UInt64(0), at: entry + 16)) }
        #expect(throws: ModelError.badSectionTable(entry: 0)) { try verify(file(storing: UInt32(99), at: entry)) }
        #expect(throws: ModelError.badSectionTable(entry: 1)) { try verify(file(storing: UInt32(1), at: entry + 24)) }
        #expect(throws: ModelError.badSectionTable(entry: 16)) { try verify(file(storing: UInt32(17), at: 12)) }
        #expect(throws: ModelError.sectionMissing(.provenance)) { try verify(file(storing: UInt32(8), at: 12)) }
    }

    @Test func cannotAskForMoreThanTwoGiB() {
        #expect(throws: ModelError.arenaTooLarge(bytes: 1 << 31)) { try verify(file { $0.activationBytes = 1 << 31 }) }
    }

    @Test(arguments: operationChanges)
    func cannotHaveAnOperationOutOfBounds(change: Change<OperationRecord, ModelError.Field>) {
        #expect(throws: ModelError.badOperation(index: 1, change.expected)) {
            try verify(file { change.apply(&$0.operations[1]) })
        }
    }

    /// The most that any path's kernel needs: 255 rows of addresses are enough for most of them, not for the one that
    /// takes a single channel as depthwise and keeps an address for each of 255 x 255 taps.
    @Test func cannotStateLessScratchThanTheMostDemandingPathNeeds() throws {
        var contents = TinyModel.contents
        var wide = contents.operations[1]
        (wide.kernelHeight, wide.kernelWidth) = (255, 255)
        wide.input.channels = 1
        wide.input.pixelStride = 4
        wide.output.channels = 1
        wide.residual = TensorView()
        wide.residualStep = 0
        wide.weightsOffset = UInt32(contents.weights.count)
        contents.weights += [Int8](repeating: 1, count: 255 * 255)
        wide.parametersOffset = UInt32(4 * contents.parameters.count)
        contents.parameters += [0, Float(0.5).bitPattern]
        wide.scratchBytes = UInt32(wide.requiredScratchBytes)
        #expect(wide.scratchBytes >= 255 * 255 * 8)
        contents.activationBytes = UInt64(wide.scratchOffset + wide.scratchBytes)
        contents.operations[1] = wide
        try verify(contents.serialized())
        contents.operations[1].scratchBytes -= 64
        #expect(throws: ModelError.badOperation(index: 1, .scratchSize)) { try verify(contents.serialized()) }
    }

    @Test func cannotHaveAnOperationOfAnUnknownKind() throws {
        let sound = TinyModel.file
        let plan = try Model(verifying: sound.readOnly).sections[.plan]
        for number in [0, 14, 77, .max] as [UInt32] {
            #expect(throws: ModelError.badOperation(index: 1, .kind)) {
                try verify(file(storing: number, at: plan.lowerBound + OperationRecord.byteCount))
            }
        }
    }

    @Test func cannotOverflowAnAccumulator() {
        #expect(throws: ModelError.badOperation(index: 0, .accumulator)) {
            try verify(file { $0.parameters[3] = UInt32(bitPattern: Int32.min) })
        }
        #expect(throws: ModelError.badOperation(index: 0, .multiplier)) {
            try verify(file { $0.parameters[8] = Float.infinity.bitPattern })
        }
        #expect(throws: ModelError.badOperation(index: 0, .multiplier)) {
            try verify(file { $0.parameters[9] = Float.leastNonzeroMagnitude.bitPattern })
        }
    }

    @Test(arguments: contentsChanges)
    func cannotHaveABadHeadNameOrInput(change: Change<ModelContents, ModelError>) {
        #expect(throws: change.expected) { try verify(file(change.apply)) }
    }

    @Test(
        arguments: [
            [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80], [0xFF],
        ] as [[UInt8]])
    func cannotHaveNamesThatAreNotUTF8(sequence: [UInt8]) throws {
        let contents = TinyModel.contents
        var file = contents.serialized()
        let aligned = AlignedBytes(file)
        let names = try Model(verifying: aligned.readOnly).sections[.classNames]
        // The last name, "moth "grey"", ends the section.
        file.replaceSubrange(names.upperBound - sequence.count..<names.upperBound, with: sequence)
        file.seal()
        #expect(throws: ModelError.badName(.classNames, index: 3)) { try verify(file) }
    }
}

@Test func theChecksumIsTheCRC32OfZip() {
    var checksum = Checksum()
    Array("123456789".utf8).withUnsafeBytes { checksum.update($0) }
    #expect(checksum.value == 0xCBF4_3926)  // the check value of the CRC catalogue
}
