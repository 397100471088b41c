import ModelFormat

/// A model's memory plan as a drawing in text: operations down, the arena across.
///
///     I input   R residual   O output   s working memory   - kept for a later operation   . free
struct ArenaDrawing {
    /// What stands in the arena during one operation, later entries over earlier ones.
    private struct Area {
        let mark: Character
        let bytes: Range<Int>
    }

    private let rows: [(name: String, areas: [Area])]
    private let arenaBytes: Int
    private let columns = 64

    init(_ model: Model) {
        arenaBytes = model.activationBytes
        let operations = (0..<model.operationCount).map(model.operation)
        // Row 0 is the picture, row k + 1 operation k, the last row the head.
        let written = [Self.bytes(of: model.input.tensor)] + operations.map(Self.outputBytes)
        var kept = [[Range<Int>]](repeating: [], count: operations.count + 2)
        func keep(_ bytes: Range<Int>, readBy row: Int) {
            guard let first = Self.firstWriter(of: bytes, before: row, written) else { return }
            for between in first + 1..<max(row, first + 1) {
                kept[between].append(bytes)
            }
        }
        for (number, operation) in operations.enumerated() {
            for view in [operation.input, operation.residual] where view.height > 0 {
                keep(Self.bytes(of: view), readBy: number + 1)
            }
        }
        rows =
            operations.enumerated().map { number, operation in
                var areas = kept[number + 1].map { Area(mark: "-", bytes: $0) }
                if operation.residual.height > 0 {
                    areas.append(Area(mark: "R", bytes: Self.bytes(of: operation.residual)))
                }
                areas.append(Area(mark: "I", bytes: Self.bytes(of: operation.input)))
                areas.append(Area(mark: "O", bytes: written[number + 1]))
                let scratch = Int(operation.scratchOffset)..<Int(operation.scratchOffset + operation.scratchBytes)
                areas.append(Area(mark: "s", bytes: scratch))
                return (String(decoding: model.operationName(number), as: UTF8.self), areas)
            } + [("head", Self.headAreas(of: model))]
    }

    var text: String {
        let width = min(max(rows.map(\.name.count).max() ?? 0, 9), 36)
        let perColumn = max((arenaBytes + columns - 1) / columns, 1)
        let lines = rows.map { row in
            let name = row.name.count <= width ? row.name : "…\(row.name.suffix(width - 1))"
            return "  \(name.padded(to: width)) \(marks(of: row.areas, perColumn)) \(aliveBytes(row.areas))"
        }
        let title = "\("operation".padded(to: width)) \("\(perColumn) bytes a column".padded(to: columns)) alive"
        return
            (["  \(title)"] + lines
            + ["  I input, R residual, O output, s working memory, - kept for later, . free"]).joined(separator: "\n")
    }

    private func marks(of areas: [Area], _ perColumn: Int) -> String {
        var marks = [Character](repeating: ".", count: columns)
        for area in areas where !area.bytes.isEmpty {
            for column in area.bytes.lowerBound / perColumn...(area.bytes.upperBound - 1) / perColumn {
                marks[min(column, columns - 1)] = area.mark
            }
        }
        return String(marks)
    }

    /// Bytes that at least one of the areas covers.
    private func aliveBytes(_ areas: [Area]) -> Int {
        var (sum, end) = (0, 0)
        for area in areas.sorted(by: { $0.bytes.lowerBound < $1.bytes.lowerBound }) {
            sum += max(area.bytes.upperBound - max(area.bytes.lowerBound, end), 0)
            end = max(end, area.bytes.upperBound)
        }
        return sum
    }

    /// The earliest of the rows that wrote what stands in `bytes` before `row`: several where the parts of a concatenation
    /// were written one by one into interleaved places.
    private static func firstWriter(of bytes: Range<Int>, before row: Int, _ written: [Range<Int>]) -> Int? {
        guard let last = (0..<row).last(where: { written[$0].overlaps(bytes) }) else { return nil }
        // A part begins where its pixel's channels begin, so it does not cover the whole.
        var first = last
        while written[first].count < bytes.count, let next = (0..<first).last(where: { written[$0].overlaps(bytes) }),
            written[next].lowerBound >= bytes.lowerBound, written[next].upperBound <= bytes.upperBound
        {
            first = next
        }
        return first
    }

    private static func bytes(of view: TensorView) -> Range<Int> {
        let start = Int(view.arenaOffset)
        let pixels = Int(view.height * view.width)
        return start..<start + (pixels - 1) * Int(view.pixelStride) + Int(view.channels)
    }

    private static func outputBytes(of operation: OperationRecord) -> Range<Int> {
        guard operation.kind == .globalAveragePool else { return bytes(of: operation.output) }
        let start = Int(operation.output.arenaOffset)
        return start..<start + 4 * Int(operation.output.channels)
    }

    private static func headAreas(of model: Model) -> [Area] {
        let head = model.head
        func floats(_ offset: UInt32, _ count: UInt32) -> Range<Int> { Int(offset)..<Int(offset) + 4 * Int(count) }
        return [
            Area(mark: "I", bytes: floats(head.featuresOffset, head.dimensions)),
            Area(mark: "s", bytes: floats(head.normalisedOffset, head.dimensions)),
            Area(mark: "O", bytes: floats(head.plainLogitsOffset, head.classes)),
            Area(mark: "O", bytes: floats(head.logitsOffset, head.classes)),
            Area(mark: "O", bytes: floats(head.probabilitiesOffset, head.classes)),
        ]
    }
}

extension String {
    /// With blanks behind it.
    func padded(to length: Int) -> String {
        self + String(repeating: " ", count: max(length - count, 0))
    }

    /// With blanks before it.
    func aligned(to length: Int) -> String {
        String(repeating: " ", count: max(length - count, 0)) + self
    }
}
