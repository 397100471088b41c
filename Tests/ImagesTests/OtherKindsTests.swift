import ImageEncoders
import Images
import Testing

func little(_ value: Int, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// Parts of a file, one behind the other.
func file(_ parts: [UInt8]...) -> [UInt8] {
    parts.flatMap(\.self)
}

/// 24 bits a pixel, rows from the bottom, each a multiple of four bytes.
func bmp(_ picture: Picture) -> [UInt8] {
    let gap = (4 - 3 * picture.width % 4) % 4
    var bytes = bmpHeader(width: picture.width, height: picture.height, depth: 24, offset: 54)
    for y in (0..<picture.height).reversed() {
        for x in 0..<picture.width {
            let pixel = 3 * (y * picture.width + x)
            bytes += [picture.rgb[pixel + 2], picture.rgb[pixel + 1], picture.rgb[pixel]]
        }
        bytes += [UInt8](repeating: 0, count: gap)
    }
    return bytes
}

private func bmpHeader(width: Int, height: Int, depth: Int, offset: Int, compression: Int = 0) -> [UInt8] {
    file(
        Array("BM".utf8), little(0, 8), little(offset, 4), little(40, 4), little(width, 4), little(height, 4),
        little(1, 2), little(depth, 2), little(compression, 4), little(0, 20))
}

/// A picture of the colours (i, 255 - i, 7 * i) of one palette.
struct PalettePicture {
    let width: Int
    let height: Int

    var indices: [UInt8] { (0..<width * height).map { UInt8($0 * 5 % 128) } }
    var rgb: [UInt8] { indices.flatMap { [$0, 255 - $0, UInt8(truncatingIfNeeded: 7 * Int($0))] } }
}

/// Without compression: a clear code before so many pixels that no code grows beyond eight bits.
func gif(_ picture: PalettePicture, interlaced: Bool = false) -> [UInt8] {
    let passes: [(Int, Int)] = interlaced ? [(0, 8), (4, 8), (2, 4), (1, 2)] : [(0, 1)]
    var indices: [UInt8] = []
    for (first, step) in passes {
        for row in stride(from: first, to: picture.height, by: step) {
            indices += picture.indices[row * picture.width..<(row + 1) * picture.width]
        }
    }
    var codes: [UInt8] = []
    for start in stride(from: 0, to: indices.count, by: 100) {
        codes.append(128)
        codes += indices[start..<min(start + 100, indices.count)]
    }
    codes.append(129)
    var blocks: [UInt8] = []
    for start in stride(from: 0, to: codes.count, by: 255) {
        let block = codes[start..<min(start + 255, codes.count)]
        blocks.append(UInt8(block.count))
        blocks += block
    }
    var palette: [UInt8] = []
    for index in 0..<128 {
        palette += [UInt8(index), UInt8(255 - index), UInt8(truncatingIfNeeded: 7 * index)]
    }
    let size = file(little(picture.width, 2), little(picture.height, 2))
    let form: UInt8 = interlaced ? 0x40 : 0
    return file(
        Array("GIF89a".utf8), size, [0xF6, 0, 0], palette, [0x2C, 0, 0, 0, 0], size, [form, 7], blocks, [0, 0x3B])
}

func webp(_ picture: Picture) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
        count = rb_encode_webp(
            picture.rgb, Int32(picture.width), Int32(picture.height), buffer.baseAddress, buffer.count)
    }
}

@Suite struct WebPTests {
    @Test func `a picture without loss comes back exactly`() throws {
        let picture = gradient(width: 37, height: 21)
        #expect(try decode(webp(picture)) == picture)
    }

    @Test func `an animation is refused as unsupported`() {
        // The extended form whose flag says so, with the chunk that such files have.
        let chunks = file(
            Array("VP8X".utf8), little(10, 4), [2, 0, 0, 0], little(7, 3), little(7, 3), Array("ANIM".utf8),
            little(6, 4),
            little(0, 6))
        let bytes = file(Array("RIFF".utf8), little(chunks.count + 4, 4), Array("WEBP".utf8), chunks)
        #expect { try decode(bytes) } throws: { ($0 as? Refusal)?.code == RB_IMAGE_UNSUPPORTED }
    }
}

@Suite struct GIFTests {
    @Test(arguments: [false, true])
    func `a picture comes back exactly, interlaced or not`(interlaced: Bool) throws {
        let picture = PalettePicture(width: 19, height: 23)
        #expect(try decode(gif(picture, interlaced: interlaced)).rgb == picture.rgb)
    }
}

@Suite struct BMPTests {
    @Test func `24 bits come back exactly`() throws {
        for width in 5...8 {
            let picture = gradient(width: width, height: 3)
            #expect(try decode(bmp(picture)) == picture)
        }
    }

    @Test func `a palette is expanded, at one, four and eight bits a pixel`() throws {
        let palette: [UInt8] = [30, 20, 10, 0, 3, 2, 1, 0]
        let rows: [(depth: Int, row: [UInt8])] = [
            (1, [0b0100_0000, 0, 0, 0]), (4, [0x01, 0x00, 0, 0]), (8, [0, 1, 0, 0]),
        ]
        for (depth, row) in rows {
            let bytes = file(bmpHeader(width: 3, height: 1, depth: depth, offset: 62), palette, row)
            #expect(try decode(bytes).rgb == [10, 20, 30, 1, 2, 3, 10, 20, 30], "\(depth) bits")
        }
    }

    @Test func `16 bits are scaled up, by the masks that the file states`() throws {
        let header = bmpHeader(width: 2, height: 1, depth: 16, offset: 66, compression: 3)
        let file =
            header + little(0xF800, 4) + little(0x07E0, 4) + little(0x1F, 4) + little(0xF800, 2) + little(0x07FF, 2)
        #expect(try decode(file).rgb == [255, 0, 0, 0, 255, 255])
    }

    @Test func `rows may come from the top`() throws {
        let picture = gradient(width: 4, height: 2)
        var rows: [UInt8] = []
        for pixel in stride(from: 0, to: 24, by: 3) {
            rows += [picture.rgb[pixel + 2], picture.rgb[pixel + 1], picture.rgb[pixel]]
        }
        #expect(try decode(file(bmpHeader(width: 4, height: -2, depth: 24, offset: 54), rows)) == picture)
    }

    @Test func `what it cannot hold is refused`() {
        let compressed = bmpHeader(width: 4, height: 4, depth: 8, offset: 54, compression: 1) + little(0, 64)
        #expect { try decode(compressed) } throws: { ($0 as? Refusal)?.code == RB_IMAGE_UNSUPPORTED }
        for (width, height) in [(0, 4), (4, 0)] {
            let empty = bmpHeader(width: width, height: height, depth: 24, offset: 54)
            #expect { try decode(empty) } throws: { ($0 as? Refusal)?.code == RB_IMAGE_DAMAGED }
        }
        let huge = bmpHeader(width: -1, height: Int(Int32.min), depth: 32, offset: 54)
        #expect { try decode(huge) } throws: { ($0 as? Refusal)?.code == RB_IMAGE_TOO_LARGE }
        let outside = bmpHeader(width: 4, height: 4, depth: 24, offset: 1 << 31) + little(0, 48)
        #expect { try decode(outside) } throws: { ($0 as? Refusal)?.code == RB_IMAGE_DAMAGED }
    }
}

/// An EXIF block that states an orientation and nothing else.
private func exif(_ orientation: Int, bigEndian: Bool = false) -> [UInt8] {
    func number(_ value: Int, _ bytes: Int) -> [UInt8] {
        bigEndian ? little(value, bytes).reversed() : little(value, bytes)
    }
    let entry = file(number(0x0112, 2), number(3, 2), number(1, 4), number(orientation, 2), number(0, 2))
    return file(
        Array((bigEndian ? "MM" : "II").utf8), number(42, 2), number(8, 4), number(1, 2), entry, number(0, 4))
}

private func jpegWithEXIF(_ picture: Picture, _ block: [UInt8]) -> [UInt8] {
    let payload = file(Array("Exif\0\0".utf8), block)
    let bytes = jpeg(picture)
    let length = payload.count + 2
    return file(
        Array(bytes[..<2]), [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)], payload, Array(bytes[2...]))
}

@Suite struct OrientationTests {
    /// The pixel of the stored picture, w x h, that stands at (x, y) of the upright one: the table of the EXIF standard.
    private func source(_ orientation: Int, _ x: Int, _ y: Int, _ w: Int, _ h: Int) -> (Int, Int) {
        switch orientation {
        case 2: (w - 1 - x, y)
        case 3: (w - 1 - x, h - 1 - y)
        case 4: (x, h - 1 - y)
        case 5: (y, x)
        case 6: (y, h - 1 - x)
        case 7: (w - 1 - y, h - 1 - x)
        case 8: (w - 1 - y, x)
        default: (x, y)
        }
    }

    @Test(arguments: 1...8, [false, true])
    func `a picture is turned upright, unless its EXIF block is ignored`(orientation: Int, bigEndian: Bool) throws {
        let (width, height) = (24, 16)
        let stored = try decode(jpeg(gradient(width: width, height: height)))
        let file = jpegWithEXIF(gradient(width: width, height: height), exif(orientation, bigEndian: bigEndian))
        #expect(try decode(file, ignoresEXIF: true) == stored)
        let upright = try decode(file)
        #expect((upright.width, upright.height) == (orientation < 5 ? (width, height) : (height, width)))
        for y in 0..<upright.height {
            for x in 0..<upright.width {
                let (column, row) = source(orientation, x, y, width, height)
                let (a, b) = (3 * (y * upright.width + x), 3 * (row * width + column))
                #expect(Array(upright.rgb[a..<a + 3]) == Array(stored.rgb[b..<b + 3]))
            }
        }
    }

    @Test func `a block that makes no sense turns nothing`() throws {
        let picture = gradient(width: 24, height: 16)
        let expected = try decode(jpeg(picture))
        let blocks: [[UInt8]] = [
            [], [73, 73], exif(0), exif(9), Array(exif(6).prefix(17)), Array("II*\0".utf8) + little(0xFFFF_FFFF, 4),
            Array("II*\0".utf8) + little(8, 4) + little(0xFFFF, 2),
        ]
        for block in blocks {
            #expect(try decode(jpegWithEXIF(picture, block)) == expected)
        }
    }
}
