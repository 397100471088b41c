import Pixels

/// YUV4MPEG2, as ffmpeg and mjpegtools write it: a header line, then for each frame a line that begins with FRAME, and the
/// planes one behind the other.
struct Y4MReader {
    private enum State {
        /// In the first line.
        case header
        /// In a frame's line.
        case frameLine
        case planes
    }

    private static var longestLine: Int { 512 }

    private var state = State.header
    private var line = InlineArray<512, UInt8>(repeating: 0)  // longestLine
    private var lineCount = 0
    private var frames: RawFrames?
    private var range = RB_PIXELS_RANGE_DEFAULT
    private var rate = 0.0
    /// Of the planes.
    private var count = 0

    var isInsideFrame: Bool { state == .planes || lineCount > 0 }

    mutating func take(
        _ bytes: inout UnsafeRawBufferPointer, into memory: UnsafeMutableRawBufferPointer
    ) throws(StreamError) -> FrameReader.Step {
        while !bytes.isEmpty {
            guard state == .planes else {
                if try takeLine(&bytes) {
                    try endLine()
                }
                continue
            }
            let frames = frames!
            guard frames.byteCount <= memory.count else { throw .tooLarge }
            bytes.move(frames.byteCount - count, to: memory, at: &count)
            guard count == frames.byteCount else { return .more }
            (count, state) = (0, .frameLine)
            return .frame(
                StreamedFrame(
                    frames.format, width: frames.width, height: frames.height, range: range, rate: rate,
                    byteCount: frames.byteCount))
        }
        return .more
    }

    /// False where the line goes on.
    private mutating func takeLine(_ bytes: inout UnsafeRawBufferPointer) throws(StreamError) -> Bool {
        while !bytes.isEmpty {
            let byte = bytes.removeFirst()
            if byte == UInt8(ascii: "\n") { return true }
            guard lineCount < Self.longestLine else { throw .damaged }
            line[lineCount] = byte
            lineCount += 1
            // Else rubbish would be collected up to the longest line.
            if state == .frameLine, lineCount <= 5, !begins(with: "FRAME") { throw .damaged }
        }
        return false
    }

    private mutating func endLine() throws(StreamError) {
        if state == .header {
            try readHeader()
            state = .frameLine
        } else {
            guard lineCount >= 5 else { throw .damaged }
            state = .planes
        }
        lineCount = 0
    }

    /// Whether the line agrees with a text as far as it goes.
    private func begins(with text: StaticString) -> Bool {
        for index in 0..<min(text.utf8CodeUnitCount, lineCount) where line[index] != text.utf8Start[index] {
            return false
        }
        return true
    }

    // MARK: The header

    /// "YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg XCOLORRANGE=LIMITED"
    private mutating func readHeader() throws(StreamError) {
        var (width, height) = (0, 0)
        var format = RB_PIXELS_YUV420
        var position = 0
        while let field = nextField(&position) {
            switch line[field.lowerBound] {
            case UInt8(ascii: "W"): width = number(in: field.dropFirst()) ?? 0
            case UInt8(ascii: "H"): height = number(in: field.dropFirst()) ?? 0
            case UInt8(ascii: "F"): rate = ratio(in: field.dropFirst())
            case UInt8(ascii: "I"):
                guard says(field, "Ip") || says(field, "I?") else { throw .interlaced }
            case UInt8(ascii: "C"): format = try pixels(of: field)
            case UInt8(ascii: "X"):
                if says(field, "XCOLORRANGE=FULL") { range = RB_PIXELS_RANGE_FULL }
                if says(field, "XCOLORRANGE=LIMITED") { range = RB_PIXELS_RANGE_LIMITED }
            default: break
            }
        }
        // Rows have no gaps there, and two columns of pixels share their chroma here.
        let isWhole = format == RB_PIXELS_GREY || width % 2 == 0
        guard isWhole,
            let frames = RawFrames(format: format, width: Int32(clamping: width), height: Int32(clamping: height))
        else { throw .sizeNotRead(width: width, height: height) }
        self.frames = frames
    }

    /// The next field behind the magic word, without spaces.
    private func nextField(_ position: inout Int) -> Range<Int>? {
        while position < lineCount && line[position] != UInt8(ascii: " ") {
            position += 1
        }
        while position < lineCount && line[position] == UInt8(ascii: " ") {
            position += 1
        }
        guard position < lineCount else { return nil }
        var end = position
        while end < lineCount && line[end] != UInt8(ascii: " ") {
            end += 1
        }
        return position..<end
    }

    /// Where the chroma samples stand between the pixels makes no difference here.
    private func pixels(of field: Range<Int>) throws(StreamError) -> rb_pixels_format {
        if says(field, "C420") || says(field, "C420jpeg") || says(field, "C420mpeg2") || says(field, "C420paldv") {
            return RB_PIXELS_YUV420
        }
        guard says(field, "Cmono") else { throw .pixelsNotRead }
        return RB_PIXELS_GREY
    }

    private func says(_ field: Range<Int>, _ text: StaticString) -> Bool {
        guard field.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<field.count where line[field.lowerBound + index] != text.utf8Start[index] { return false }
        return true
    }

    /// nil where it is no number of at most six digits.
    private func number(in range: Range<Int>) -> Int? {
        guard (1...6).contains(range.count) else { return nil }
        var number = 0
        for index in range {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(line[index]) else { return nil }
            number = 10 * number + Int(line[index] - UInt8(ascii: "0"))
        }
        return number
    }

    /// "30000:1001"; 0 for anything that is no rate.
    private func ratio(in range: Range<Int>) -> Double {
        for index in range where line[index] == UInt8(ascii: ":") {
            let (above, below) = (number(in: range.lowerBound..<index), number(in: (index + 1)..<range.upperBound))
            guard let above, let below, below > 0 else { return 0 }
            return Double(above) / Double(below)
        }
        return 0
    }
}
