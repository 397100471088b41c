import Pixels

/// JPEG pictures one behind the other. Where a picture ends is told by its markers, not by the first bytes that look like an
/// end: the small picture that cameras put into a picture's header has an end of its own.
struct JPEGReader {
    private enum State {
        /// Between pictures; whether the last byte was FF.
        case outside(sawFF: Bool)
        /// Where a marker's FF must stand.
        case marker
        /// Behind that.
        case code
        case lengthHigh(code: UInt8)
        case lengthLow(code: UInt8, high: UInt8)
        case segment(code: UInt8, left: Int)
        /// Compressed pixels.
        case pixels
        case pixelsFF
    }

    private enum Outcome { case goesOn, end, cut, broken }

    private var state = State.outside(sawFF: false)
    /// Of the picture.
    private var count = 0
    private var skipped = 0

    var isInsideFrame: Bool { count > 0 }

    mutating func take(
        _ bytes: inout UnsafeRawBufferPointer, into memory: UnsafeMutableRawBufferPointer
    ) throws(StreamError) -> FrameReader.Step {
        while !bytes.isEmpty {
            if case .outside = state {
                skipped += try takeBeginning(&bytes, into: memory)
                guard skipped <= FrameReader.mostSkipped else { throw .damaged }
                continue
            }
            // No more than there is room for, so that what follows too large a picture does not depend on how bytes arrive.
            let room = memory.count - count
            guard room > 0 else {
                (state, count) = (.outside(sawFF: false), 0)
                return .bad(.tooLarge)
            }
            var position = 0
            let outcome = scan(UnsafeRawBufferPointer(rebasing: bytes.prefix(room)), &position)
            bytes.move(position, to: memory, at: &count)
            switch outcome {
            case .goesOn: continue
            case .end: return finish(memory)
            case .cut:
                // The last two bytes are the next one's first.
                begin(in: memory)
                return .bad(.cut)
            case .broken:
                (state, count) = (.outside(sawFF: false), 0)
                return .bad(.noPicture)
            }
        }
        return .more
    }

    private mutating func finish(_ memory: UnsafeMutableRawBufferPointer) -> FrameReader.Step {
        let picture = UnsafeRawBufferPointer(rebasing: memory[..<count])
        (state, count, skipped) = (.outside(sawFF: false), 0, 0)
        guard let frame = StreamedFrame(jpeg: picture) else { return .bad(.noPicture) }
        return .frame(frame)
    }

    private mutating func begin(in memory: UnsafeMutableRawBufferPointer) {
        (memory[0], memory[1]) = (0xFF, 0xD8)
        (state, count) = (.marker, 2)
    }

    /// How many bytes were none of a picture.
    private mutating func takeBeginning(
        _ bytes: inout UnsafeRawBufferPointer, into memory: UnsafeMutableRawBufferPointer
    ) throws(StreamError) -> Int {
        guard memory.count >= 2 else { throw .tooLarge }
        guard case .outside(var sawFF) = state else { return 0 }
        for index in 0..<bytes.count {
            let byte = bytes[index]
            if sawFF && byte == 0xD8 {
                begin(in: memory)
                bytes = UnsafeRawBufferPointer(rebasing: bytes[(index + 1)...])
                return index
            }
            sawFF = byte == 0xFF
        }
        state = .outside(sawFF: sawFF)
        defer { bytes = UnsafeRawBufferPointer(rebasing: bytes[bytes.count...]) }
        return bytes.count
    }

    /// Goes on from `position` to the end of the picture, or of the bytes.
    private mutating func scan(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> Outcome {
        while position < bytes.count {
            if case .segment(let code, let left) = state {
                let taken = min(left, bytes.count - position)
                position += taken
                state = taken < left ? .segment(code: code, left: left - taken) : Self.behindSegment(code)
                continue
            }
            if case .pixels = state {
                while position < bytes.count && bytes[position] != 0xFF {
                    position += 1
                }
                guard position < bytes.count else { break }
                position += 1
                state = .pixelsFF
                continue
            }
            let byte = bytes[position]
            position += 1
            let outcome = take(byte)
            if outcome != .goesOn { return outcome }
        }
        return .goesOn
    }

    private mutating func take(_ byte: UInt8) -> Outcome {
        switch state {
        case .marker:
            guard byte == 0xFF else { return .broken }
            state = .code
        case .code: return takeCode(byte)
        case .pixelsFF:
            switch byte {
            // A byte FF of the pixels; a restart.
            case 0, 0xD0...0xD7: state = .pixels
            case 0xFF: break
            default: return takeCode(byte)
            }
        case .lengthHigh(let code): state = .lengthLow(code: code, high: byte)
        case .lengthLow(let code, let high):
            let length = Int(high) << 8 | Int(byte)
            guard length >= 2 else { return .broken }
            state = length == 2 ? Self.behindSegment(code) : .segment(code: code, left: length - 2)
        case .outside, .segment, .pixels: break
        }
        return .goesOn
    }

    private mutating func takeCode(_ code: UInt8) -> Outcome {
        switch code {
        case 0xFF: state = .code
        case 0xD8: return .cut
        case 0xD9: return .end
        case 0: return .broken
        // Markers without a segment.
        case 1, 0xD0...0xD7: state = .marker
        default: state = .lengthHigh(code: code)
        }
        return .goesOn
    }

    private static func behindSegment(_ code: UInt8) -> State {
        let startOfScan: UInt8 = 0xDA
        return code == startOfScan ? .pixels : .marker
    }
}

extension StreamedFrame {
    /// A JPEG picture, its size by its header; nil where it has none.
    init?(jpeg bytes: UnsafeRawBufferPointer) {
        func number(_ offset: Int) -> Int { Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) }
        guard bytes.count >= 4, bytes[0] == 0xFF, bytes[1] == 0xD8 else { return nil }
        var position = 2
        while position + 9 <= bytes.count, bytes[position] == 0xFF {
            switch bytes[position + 1] {
            case 0xFF: position += 1
            case 1, 0xD0...0xD7: position += 2
            // A frame's header, whatever its way of coding.
            case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
                let (height, width) = (number(position + 5), number(position + 7))
                let sides = 1...Int(RB_PIXELS_MAX_SIDE)
                guard sides.contains(width), sides.contains(height) else { return nil }
                self.init(RB_PIXELS_MJPEG, width: Int32(width), height: Int32(height), byteCount: bytes.count)
                return
            case 0xDA, 0xD9, 0: return nil
            default: position += 2 + number(position + 2)
            }
        }
        return nil
    }
}
