/// The first bytes of a stream, as many as it takes to say what it is.
struct Beginning {
    enum Form { case y4m, jpeg, multipart }

    private static var y4mMagic: StaticString { "YUV4MPEG2 " }

    private var bytes = InlineArray<12, UInt8>(repeating: 0)
    private(set) var count = 0

    /// Takes bytes until the form is clear; nil: more are needed.
    mutating func take(_ input: inout UnsafeRawBufferPointer) throws(StreamError) -> Form? {
        while !input.isEmpty {
            let byte = input.removeFirst()
            // Some servers begin a multipart answer with an empty line.
            if count == 0 && (byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n")) { continue }
            bytes[count] = byte
            count += 1
            if let form = try form() { return form }
        }
        return nil
    }

    func withBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(StreamError) -> Result
    ) throws(StreamError) -> Result {
        var bytes = bytes
        return try withUnsafeBytes(of: &bytes) { all throws(StreamError) in
            try body(UnsafeRawBufferPointer(rebasing: all[..<count]))
        }
    }

    private func form() throws(StreamError) -> Form? {
        switch bytes[0] {
        case 0xFF where count == 1: return nil
        case 0xFF where bytes[1] == 0xD8: return .jpeg
        case UInt8(ascii: "-") where count == 1: return nil
        case UInt8(ascii: "-") where bytes[1] == UInt8(ascii: "-"): return .multipart
        case UInt8(ascii: "Y") where begins(with: Self.y4mMagic):
            return count == Self.y4mMagic.utf8CodeUnitCount ? .y4m : nil
        default:
            guard count < bytes.count else { throw .unknown(foreign) }
            return nil
        }
    }

    /// Whether what is known so far agrees with a text.
    private func begins(with text: StaticString, at offset: Int = 0) -> Bool {
        for index in 0..<text.utf8CodeUnitCount
        where offset + index < count && bytes[offset + index] != text.utf8Start[index] {
            return false
        }
        return true
    }

    private var foreign: ForeignStream {
        if begins(with: "RBFRAMES") { return .recording }
        if begins(with: "PNG", at: 1) && bytes[0] == 0x89 { return .png }
        if bytes[0] == 0 && bytes[1] == 0 && (bytes[2] == 1 || bytes[2] == 0 && bytes[3] == 1) { return .h264 }
        if bytes[0] == 0x1A && bytes[1] == 0x45 && bytes[2] == 0xDF && bytes[3] == 0xA3 { return .matroska }
        if begins(with: "ftyp", at: 4) { return .mp4 }
        if begins(with: "RIFF") { return .avi }
        if bytes[0] == 0x47 && bytes[1] & 0x1F <= 0x1F && bytes[3] & 0x30 != 0 { return .transportStream }
        if bytes[0] == UInt8(ascii: "<") { return .html }
        return .other
    }
}
