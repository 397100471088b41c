import Pixels

/// The parts of an HTTP answer of the type multipart/x-mixed-replace, each a JPEG picture: a line that begins with two
/// hyphens, header lines, an empty line, the picture.
struct MultipartReader {
    private enum State {
        case between
        case headers
        /// So many bytes.
        case body(left: Int)
        /// Up to the picture's end: the part does not say how long it is.
        case picture
    }

    private static var longestLine: Int { 1024 }
    private static var mostHeaders: Int { 64 }

    private var state = State.between
    private var line = InlineArray<1024, UInt8>(repeating: 0)  // longestLine
    private var lineCount = 0
    private var headers = 0
    /// As the headers say; nil: they do not.
    private var length: Int?
    private var skipped = 0
    private var count = 0
    private var jpeg = JPEGReader()

    var isInsideFrame: Bool {
        switch state {
        case .between: false
        case .headers, .body, .picture: true
        }
    }

    mutating func take(
        _ bytes: inout UnsafeRawBufferPointer, into memory: UnsafeMutableRawBufferPointer
    ) throws(StreamError) -> FrameReader.Step {
        while !bytes.isEmpty {
            switch state {
            case .between, .headers:
                if try takeLine(&bytes) {
                    try endLine(memory)
                }
            case .body(let left):
                let before = count
                bytes.move(left, to: memory, at: &count)
                let rest = left - (count - before)
                guard rest == 0 else {
                    state = .body(left: rest)
                    return .more
                }
                return finish(memory)
            case .picture:
                let step = try jpeg.take(&bytes, into: memory)
                if case .frame = step { state = .between }
                guard step == .more else { return step }
            }
        }
        return .more
    }

    private mutating func finish(_ memory: UnsafeMutableRawBufferPointer) -> FrameReader.Step {
        let picture = UnsafeRawBufferPointer(rebasing: memory[..<count])
        (state, count) = (.between, 0)
        guard let frame = StreamedFrame(jpeg: picture) else { return .bad(.noPicture) }
        return .frame(frame)
    }

    /// False where the line goes on.
    private mutating func takeLine(_ bytes: inout UnsafeRawBufferPointer) throws(StreamError) -> Bool {
        while !bytes.isEmpty {
            let byte = bytes.removeFirst()
            skipped += 1
            guard skipped <= FrameReader.mostSkipped else { throw .damaged }
            if byte == UInt8(ascii: "\n") { return true }
            guard byte != UInt8(ascii: "\r") else { continue }
            // Between parts anything may stand; what is longer than a line is no boundary.
            guard lineCount < Self.longestLine else { continue }
            line[lineCount] = byte
            lineCount += 1
        }
        return false
    }

    private mutating func endLine(_ memory: UnsafeMutableRawBufferPointer) throws(StreamError) {
        defer { lineCount = 0 }
        if case .between = state {
            let hyphen = UInt8(ascii: "-")
            if lineCount > 2 && line[0] == hyphen && line[1] == hyphen {
                (state, headers, length) = (.headers, 0, nil)
            }
            return
        }
        guard lineCount == 0 else {
            headers += 1
            guard headers <= Self.mostHeaders else { throw .damaged }
            if let value = contentLength() { length = value }
            return
        }
        skipped = 0
        guard let length else {
            (jpeg, state) = (JPEGReader(), .picture)
            return
        }
        guard length <= memory.count else { throw .tooLarge }
        state = length > 0 ? .body(left: length) : .between
    }

    /// The value of the header Content-Length; nil for any other, and for what is no number.
    private func contentLength() -> Int? {
        let name: StaticString = "content-length:"
        guard lineCount > name.utf8CodeUnitCount else { return nil }
        for index in 0..<name.utf8CodeUnitCount {
            let letter = line[index]
            let isCapital = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(letter)
            guard (isCapital ? letter + 32 : letter) == name.utf8Start[index] else { return nil }
        }
        var number: Int?
        for index in name.utf8CodeUnitCount..<lineCount {
            let byte = line[index]
            if byte == UInt8(ascii: " ") { continue }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), (number ?? 0) < 100_000_000 else {
                return nil
            }
            number = 10 * (number ?? 0) + Int(byte - UInt8(ascii: "0"))
        }
        return number
    }
}
