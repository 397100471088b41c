#if !hasFeature(Embedded)
    /// Everything a model file holds, as the converter gathers it.
    public struct ModelContents: Sendable {
        public var input = InputRecord()
        public var operations: [OperationRecord] = []
        /// One name an operation.
        public var operationNames: [String] = []
        /// See `SectionKind.weights`.
        public var weights: [Int8] = []
        /// See `SectionKind.parameters`: the bits of int32 biases and float32 multipliers.
        public var parameters: [UInt32] = []
        public var head = HeadRecord()
        /// See `SectionKind.head`.
        public var headNumbers: [Float] = []
        public var classNames: [String] = []
        /// Training images per class, or empty where unknown.
        public var classCounts: [UInt32] = []
        /// Classes that TDE leaves as they are, ascending.
        public var exemptedClasses: [UInt32] = []
        /// See `SectionKind.judging`; empty where nothing is known.
        public var temperatures: [TemperaturePoint] = []
        /// One "key: value" a line.
        public var provenance = ""
        public var activationBytes: UInt64 = 0
        /// Packed size by execution path number; a path left out is not stated.
        public var packedBytes: [Int: UInt64] = [:]

        public init() {}

        /// The bytes of the file. The same contents give the same bytes.
        ///
        /// Writes what it is given: that the result is a sound model is what `Model.init(verifying:)` says.
        public func serialized() -> [UInt8] {
            var file = [UInt8](repeating: 0, count: Layout.headerBytes)
            let sections = self.sections
            file.append(contentsOf: [UInt8](repeating: 0, count: Layout.sectionEntryBytes * sections.count))
            file.store(Layout.magic, at: 0)
            file.store(version, at: Layout.versionOffset)
            file.store(UInt32(sections.count), at: Layout.sectionCountOffset)
            file.store(activationBytes, at: Layout.activationBytesOffset)
            for path in 0..<Layout.pathSlots {
                file.store(packedBytes[path] ?? Layout.packedBytesNotStated, at: Layout.packedBytesOffset + 8 * path)
            }
            for (entry, (kind, content)) in sections.enumerated() {
                file.pad(to: Layout.alignment)
                let base = Layout.headerBytes + entry * Layout.sectionEntryBytes
                file.store(kind.rawValue, at: base)
                file.store(UInt64(file.count), at: base + 8)
                file.store(UInt64(content.count), at: base + 16)
                file.append(contentsOf: content)
            }
            file.store(UInt64(file.count), at: Layout.fileBytesOffset)
            file.seal()
            return file
        }

        /// The oldest that has all that is there.
        private var version: UInt32 { hasJudging ? Layout.version : Layout.oldestVersion }
        private var hasJudging: Bool { !exemptedClasses.isEmpty || !temperatures.isEmpty }

        private var sections: [(SectionKind, [UInt8])] {
            var list: [(SectionKind, [UInt8])] = [
                (.input, encode(input)),
                (.plan, operations.flatMap(encode)),
                (.weights, weights.map(UInt8.init(bitPattern:))),
                (.parameters, littleEndian(parameters)),
                (.head, encode(head) + littleEndian(headNumbers.map(\.bitPattern))),
                (.classNames, encode(names: classNames)),
                (.operationNames, encode(names: operationNames)),
            ]
            if !classCounts.isEmpty {
                list.append((.classCounts, littleEndian(classCounts)))
            }
            list.append((.provenance, Array(provenance.utf8)))
            if hasJudging {
                let counts = [UInt32(exemptedClasses.count), UInt32(temperatures.count)]
                let points = temperatures.flatMap { [$0.alpha.bitPattern, $0.temperature.bitPattern] }
                list.append((.judging, littleEndian(counts + exemptedClasses + points)))
            }
            return list
        }
    }

    /// What logits at an alpha are divided by before their softmax.
    public struct TemperaturePoint: Codable, Equatable, Sendable {
        public var alpha: Float
        public var temperature: Float

        public init(alpha: Float, temperature: Float) {
            self.alpha = alpha
            self.temperature = temperature
        }
    }

    private struct FieldWriter: FieldCoder {
        var bytes: [UInt8] = []

        mutating func code(_ field: inout UInt32) {
            bytes += littleEndian([field])
        }

        mutating func code(_ field: inout Float) {
            bytes += littleEndian([field.bitPattern])
        }

        mutating func code(_ field: inout OperationKind) {
            bytes += littleEndian([field.rawValue])
        }
    }

    private func encode(_ record: some Record) -> [UInt8] {
        var copy = record
        var writer = FieldWriter()
        copy.code(with: &writer)
        return writer.bytes
    }

    private func encode(names: [String]) -> [UInt8] {
        var offsets: [UInt32] = [0]
        for name in names {
            offsets.append(offsets.last! + UInt32(name.utf8.count))
        }
        return littleEndian([UInt32(names.count)] + offsets) + names.flatMap { Array($0.utf8) }
    }

    private func littleEndian(_ words: [UInt32]) -> [UInt8] {
        words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
    }

    extension [UInt8] {
        mutating func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: Int) {
            withUnsafeMutableBytes { $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self) }
        }

        mutating func pad(to alignment: Int) {
            append(contentsOf: [UInt8](repeating: 0, count: (alignment - count % alignment) % alignment))
        }

        /// Writes the checksum of a model file into it.
        mutating func seal() {
            let checksum = withUnsafeBytes { Checksum.ofFile($0) }
            store(checksum, at: Layout.checksumOffset)
        }
    }
#endif
