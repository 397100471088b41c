import Text

extension Verifier {
    func verifiedHead() throws(ModelError) -> HeadRecord {
        let section = sections[.head]
        guard section.count >= HeadRecord.byteCount else { throw .wrongSectionSize(.head) }
        let head = HeadRecord(at: section.lowerBound, of: bytes)
        guard OperationRecord.isExtent(head.classes) else { throw .badHead(.classes) }
        guard OperationRecord.isExtent(head.dimensions), OperationRecord.isExtent(head.heads),
            head.dimensions % head.heads == 0
        else {
            throw .badHead(.dimensions)
        }
        guard head.featureNorm <= 2 else { throw .badHead(.featureNorm) }
        guard head.hasBias <= 1, head.hasCentre <= 1, head.hasDirections <= 1 else { throw .badHead(.flags) }
        guard head.defaultAlpha.isFinite, head.tau.isFinite, head.gamma.isFinite else { throw .badHead(.alpha) }
        guard isInArena(floats: head.dimensions, at: head.featuresOffset),
            isInArena(floats: head.dimensions, at: head.normalisedOffset),
            isInArena(floats: head.classes, at: head.plainLogitsOffset),
            isInArena(floats: head.classes, at: head.logitsOffset),
            isInArena(floats: head.classes, at: head.probabilitiesOffset)
        else { throw .badHead(.memory) }
        try verifyNumbers(of: head)
        return head
    }

    private func verifyNumbers(of head: HeadRecord) throws(ModelError) {
        let section = sections[.head]
        let classes = UInt64(head.classes)
        let dimensions = UInt64(head.dimensions)
        let directionNumbers = dimensions + classes * UInt64(head.heads)
        let numbers =
            classes * dimensions + UInt64(head.hasBias) * classes + UInt64(head.hasCentre) * dimensions
            + UInt64(head.hasDirections) * directionNumbers
        guard UInt64(section.count) == UInt64(HeadRecord.byteCount) + 4 * numbers else {
            throw .wrongSectionSize(.head)
        }
        var offset = section.lowerBound + HeadRecord.byteCount
        while offset < section.upperBound {
            guard Float(bitPattern: bytes.field(UInt32.self, at: offset)).isFinite else { throw .badHead(.numbers) }
            offset += 4
        }
    }

    func verifyNames(classes: Int, operations: Int) throws(ModelError) {
        try verifyStrings(.classNames, count: classes)
        try verifyStrings(.operationNames, count: operations)
        let counts = sections[.classCounts].count
        guard counts == 0 || counts == 4 * classes else { throw .wrongSectionSize(.classCounts) }
        guard sections.bytes(of: .provenance, in: bytes).isText(allowingNewlines: true) else {
            throw .badName(.provenance, index: 0)
        }
    }

    /// Exempted classes in order, at most all but one; alphas from 0 on in order, temperatures in their range.
    func verifyJudging(classes: UInt32) throws(ModelError) {
        let section = sections[.judging]
        guard !section.isEmpty else { return }
        guard section.count >= JudgingSection.headerBytes else { throw .wrongSectionSize(.judging) }
        func count(_ what: JudgingSection.Count) -> UInt32 {
            bytes.field(UInt32.self, at: section.lowerBound + what.rawValue)
        }
        let (exempted, temperatures) = (count(.exempted), count(.temperatures))
        guard
            UInt64(section.count) == UInt64(JudgingSection.headerBytes) + 4 * UInt64(exempted) + 8
                * UInt64(temperatures)
        else { throw .wrongSectionSize(.judging) }
        guard exempted < classes else { throw .badJudging(.classes) }
        var offset = section.lowerBound + JudgingSection.headerBytes
        var least: UInt32 = 0
        for _ in 0..<exempted {
            let number = bytes.field(UInt32.self, at: offset)
            guard number >= least, number < classes else { throw .badJudging(.classes) }
            least = number + 1
            offset += 4
        }
        var last: Float?
        for _ in 0..<temperatures {
            let alpha = Float(bitPattern: bytes.field(UInt32.self, at: offset))
            let temperature = Float(bitPattern: bytes.field(UInt32.self, at: offset + 4))
            guard alpha.isFinite, last.map({ alpha > $0 }) ?? (alpha == 0) else { throw .badJudging(.alpha) }
            guard JudgingSection.temperatures.contains(temperature) else { throw .badJudging(.temperature) }
            last = alpha
            offset += 8
        }
    }

    private func verifyStrings(_ kind: SectionKind, count: Int) throws(ModelError) {
        let table = sections.bytes(of: kind, in: bytes)
        let textStart = 4 * (UInt64(count) + 2)
        guard UInt64(table.count) >= textStart, table.field(UInt32.self, at: 0) == UInt32(count) else {
            throw .wrongSectionSize(kind)
        }
        let textBytes = UInt64(table.count) - textStart
        var start = UInt64(table.field(UInt32.self, at: 4))
        guard start == 0 else { throw .badName(kind, index: 0) }
        for index in 0..<count {
            let end = UInt64(table.field(UInt32.self, at: 8 + 4 * index))
            guard end > start, end <= textBytes else { throw .badName(kind, index: index) }
            guard StringTable(bytes: table)[index].isText() else {
                throw .badName(kind, index: index)
            }
            start = end
        }
    }
}
