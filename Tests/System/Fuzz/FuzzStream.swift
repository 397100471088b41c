import Pixels
import Streams

/// Takes a stream of frames apart twice, the second time in pieces of 1 to 16 bytes: the same frames, byte for byte. The first byte says
/// whether the frames have headers.
@Sendable func fuzzStream(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 0, let data else { return 0 }
    let raw = data[0] == 0xAA ? RawFrames(format: RB_PIXELS_YUV420, width: 6, height: 4) : nil
    let stream = UnsafeRawBufferPointer(start: data + (raw == nil ? 0 : 1), count: count - (raw == nil ? 0 : 1))
    let whole = frames(in: stream, pieces: .max, raw)
    let pieces = frames(in: stream, pieces: 1 + Int(data[count - 1] & 15), raw)
    precondition(whole == pieces)
    return 0
}

/// What comes out, as one list of bytes: formats, sizes, bytes, bad frames and the end.
private func frames(in stream: UnsafeRawBufferPointer, pieces: Int, _ raw: RawFrames?) -> [UInt8] {
    var reader = FrameReader(raw: raw)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 64)
    defer { memory.deallocate() }
    var found: [UInt8] = []
    var rest = stream
    do throws(StreamError) {
        while !rest.isEmpty {
            var piece = UnsafeRawBufferPointer(rebasing: rest.prefix(pieces))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(pieces))
            steps: while true {
                switch try reader.take(&piece, into: memory) {
                case .more: break steps
                case .bad(let bad): found += Array("\(bad)".utf8)
                case .frame(let frame):
                    precondition(frame.byteCount <= memory.count && frame.width > 0 && frame.height > 0)
                    found += Array(
                        "\(frame.format.rawValue) \(frame.width) \(frame.height) \(frame.range.rawValue)".utf8)
                    found += memory[..<frame.byteCount]
                }
            }
            precondition(piece.isEmpty)
        }
    } catch {
        found += Array("\(error)".utf8)
    }
    return found + [reader.isInsideFrame ? 1 : 0]
}
