/// A verified model: a view into the bytes of its file, which must outlive it. Copying it copies a few words.
///
/// Only `init(verifying:)` makes one, so every accessor may rely on what the verifier checked.
public struct Model {
    /// The model's own: the whole file, but for the signature.
    public let bytes: UnsafeRawBufferPointer
    /// Who signed it, with the key that is named there; nil where nobody did.
    public let signature: ModelSignature?
    /// The activation and scratch arena, bytes.
    public let activationBytes: Int
    public let input: InputRecord
    public let head: HeadRecord
    public let operationCount: Int
    let sections: SectionTable

    /// Verifies a file's `bytes` and keeps a view of them. With `keys`, a file that the owner of one of them has not signed is
    /// refused before anything else of it is looked at.
    ///
    /// Guarantees for what passes: every view, section and scratch area an operation or the head names lies inside the
    /// arena or the file; no accumulator of a convolution can overflow. Time is linear in the file's size; no memory is
    /// allocated; no input makes it crash. A signature that is there is right, whether its key is trusted or not.
    public init(verifying file: UnsafeRawBufferPointer, trusting keys: TrustedKeys? = nil) throws(ModelError) {
        let count = try SectionTable.verifyHeader(of: file, bytes: file.count)
        signature = count < file.count ? try ModelSignature(verifying: file, behind: count) : nil
        if let keys {
            guard let signature else { throw .unsigned }
            guard keys.contain(signature.key) else { throw .untrusted(key: signature.keyNumber) }
        }
        bytes = UnsafeRawBufferPointer(rebasing: file[..<count])
        let sections = try SectionTable(verifying: bytes)
        let verifier = try Verifier(bytes: bytes, sections: sections)
        self.sections = sections
        activationBytes = Int(verifier.activationBytes)
        input = try verifier.verifiedInput()
        operationCount = try verifier.verifiedOperationCount()
        head = try verifier.verifiedHead()
        try verifier.verifyNames(classes: Int(head.classes), operations: operationCount)
        try verifier.verifyJudging(classes: head.classes)
    }

    /// Checks what the beginning of a file of `count` bytes tells, its first `Layout.headerBytes` or all: for those who read
    /// it into memory, before they do.
    public static func verifyHeader(_ beginning: UnsafeRawBufferPointer, bytes count: Int) throws(ModelError) {
        _ = try SectionTable.verifyHeader(of: beginning, bytes: count)
    }

    /// The exact size of the packed weights of an execution path (its number in kernels.h), or nil if not stated.
    public func packedBytes(path: Int) -> UInt64? {
        guard path >= 0 && path < Layout.pathSlots else { return nil }
        let stated = bytes.field(UInt64.self, at: Layout.packedBytesOffset + 8 * path)
        return stated == Layout.packedBytesNotStated ? nil : stated
    }

    /// Bytes of the whole file.
    public var fileBytes: Int { bytes.count + (signature == nil ? 0 : ModelSignature.byteCount) }

    /// CRC-32 of the file, as its header states it.
    public var checksum: UInt32 { bytes.field(UInt32.self, at: Layout.checksumOffset) }

    /// Operation `index` of the plan, 0..<operationCount.
    public func operation(_ index: Int) -> OperationRecord {
        precondition(index >= 0 && index < operationCount)
        return OperationRecord(at: sections[.plan].lowerBound + index * OperationRecord.byteCount, of: bytes)
    }

    /// The int8 weights of a convolution, `[output channel][ky][kx][input channel of the group]`.
    public func weights(of operation: OperationRecord) -> UnsafeRawPointer {
        bytes.baseAddress! + sections[.weights].lowerBound + Int(operation.weightsOffset)
    }

    /// The numbers of all operations.
    public var parameters: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[sections[.parameters]]) }

    /// The int32 bias of a convolution, one per output channel; the float32 multipliers follow.
    public func parameters(of operation: OperationRecord) -> UnsafeRawPointer {
        bytes.baseAddress! + sections[.parameters].lowerBound + Int(operation.parametersOffset)
    }

    /// float32 `[classes][dimensions]`.
    public var headRows: UnsafePointer<Float> { headNumbers(at: 0) }

    /// float32 `[classes]`, or nil.
    public var headBias: UnsafePointer<Float>? {
        head.hasBias == 1 ? headNumbers(at: Int(head.classes * head.dimensions)) : nil
    }

    /// float32 `[dimensions]`, or nil.
    public var headCentre: UnsafePointer<Float>? {
        head.hasCentre == 1 ? headNumbers(at: Int(head.classes * head.dimensions + head.hasBias * head.classes)) : nil
    }

    /// float32 `[dimensions]`, unit length per head, or nil.
    public var headDirections: UnsafePointer<Float>? {
        head.hasDirections == 1 ? headNumbers(at: directionsIndex) : nil
    }

    /// float32 `[classes][heads]`, or nil.
    public var headDirectionTerms: UnsafePointer<Float>? {
        head.hasDirections == 1 ? headNumbers(at: directionsIndex + Int(head.dimensions)) : nil
    }

    /// UTF-8 name of a class, 0..<head.classes, without control characters.
    public func className(_ index: Int) -> UnsafeRawBufferPointer {
        StringTable(bytes: sections.bytes(of: .classNames, in: bytes))[index]
    }

    /// UTF-8 name of an operation, 0..<operationCount, without control characters.
    public func operationName(_ index: Int) -> UnsafeRawBufferPointer {
        StringTable(bytes: sections.bytes(of: .operationNames, in: bytes))[index]
    }

    /// Training images of a class, or nil where the file does not say.
    public func classCount(_ index: Int) -> UInt32? {
        let section = sections[.classCounts]
        guard !section.isEmpty else { return nil }
        return bytes.field(UInt32.self, at: section.lowerBound + 4 * index)
    }

    /// Classes whose probability TDE leaves as it is, unless told otherwise.
    public var exemptedCount: Int { judgingCount(.exempted) }

    /// One of them, `place` in 0..<exemptedCount; they ascend.
    public func exemptedClass(_ place: Int) -> Int {
        precondition(place >= 0 && place < exemptedCount)
        let start = sections[.judging].lowerBound + JudgingSection.headerBytes
        return Int(bytes.field(UInt32.self, at: start + 4 * place))
    }

    /// What logits at this alpha are divided by, so that their softmax says how often it is right: between those of the file's
    /// alphas in proportion, beyond them the nearest; nil where the file has none.
    public func temperature(at alpha: Float) -> Float? {
        let count = judgingCount(.temperatures)
        guard count > 0 else { return nil }
        var before = temperaturePoint(0)
        for place in 0..<count {
            let point = temperaturePoint(place)
            guard point.alpha < alpha else {
                guard point.alpha > before.alpha else { return point.temperature }
                let part = (alpha - before.alpha) / (point.alpha - before.alpha)
                return before.temperature + part * (point.temperature - before.temperature)
            }
            before = point
        }
        return before.temperature
    }

    private func judgingCount(_ what: JudgingSection.Count) -> Int {
        let section = sections[.judging]
        return section.isEmpty ? 0 : Int(bytes.field(UInt32.self, at: section.lowerBound + what.rawValue))
    }

    private func temperaturePoint(_ place: Int) -> (alpha: Float, temperature: Float) {
        let start =
            sections[.judging].lowerBound + JudgingSection.headerBytes + 4 * exemptedCount + 8 * place
        return (
            Float(bitPattern: bytes.field(UInt32.self, at: start)),
            Float(bitPattern: bytes.field(UInt32.self, at: start + 4))
        )
    }

    /// UTF-8 text, one "key: value" a line.
    public var provenance: UnsafeRawBufferPointer { sections.bytes(of: .provenance, in: bytes) }

    /// The bytes of a section, none for an absent optional one.
    public func contents(of section: SectionKind) -> UnsafeRawBufferPointer {
        sections.bytes(of: section, in: bytes)
    }

    /// Bytes of a section, 0 for an absent optional one.
    public func byteCount(of section: SectionKind) -> Int { sections[section].count }

    private var directionsIndex: Int {
        Int(head.classes * head.dimensions + head.hasBias * head.classes + head.hasCentre * head.dimensions)
    }

    private func headNumbers(at index: Int) -> UnsafePointer<Float> {
        let start = sections[.head].lowerBound + HeadRecord.byteCount + 4 * index
        return (bytes.baseAddress! + start).assumingMemoryBound(to: Float.self)
    }
}

extension UnsafeRawBufferPointer {
    /// The little-endian integer at `offset`, which the caller has checked to lie inside.
    func field<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
        T(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}

/// A list of UTF-8 strings: count u32, count + 1 offsets u32 into the text that follows, the text.
struct StringTable {
    let bytes: UnsafeRawBufferPointer

    var count: Int { Int(bytes.field(UInt32.self, at: 0)) }

    subscript(index: Int) -> UnsafeRawBufferPointer {
        precondition(index >= 0 && index < count)
        let text = 4 * (count + 2)
        let start = text + Int(bytes.field(UInt32.self, at: 4 + 4 * index))
        let end = text + Int(bytes.field(UInt32.self, at: 8 + 4 * index))
        return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }
}
