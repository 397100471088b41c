import ImageEncoders
import Images
import Testing

struct Picture: Equatable {
    var width: Int
    var height: Int
    var rgb: [UInt8]
}

struct Refusal: Error, Equatable {
    let code: rb_image_error
    let message: String
}

let emptyMessage = [CChar](repeating: 0, count: Int(RB_IMAGE_MESSAGE_BYTES))

func text(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}

/// Probes, then decodes into exactly the bytes that are needed, with guards behind them.
/// What is odd about a file that can be read is its warning.
func decode(
    _ file: [UInt8], ignoresEXIF: Bool = false, warning: String = "", anyWarning: Bool = false
) throws(Refusal) -> Picture {
    let guardBytes = 64
    var info = rb_image_info()
    var message = emptyMessage
    func check(_ code: rb_image_error, warning: String) throws(Refusal) {
        let text = text(message)
        guard code != RB_IMAGE_OK else {
            #expect(text == warning || anyWarning)
            return
        }
        #expect(!text.isEmpty)
        throw Refusal(code: code, message: text)
    }
    try check(rb_image_probe(file, file.count, ignoresEXIF, &info, &message), warning: "")
    let size = Int(info.width) * Int(info.height) * 3
    var rgb = [UInt8](repeating: 0xA5, count: size + guardBytes)
    let code = rb_image_decode(file, file.count, ignoresEXIF, &rgb, size, &message)
    #expect(rgb[size...].allSatisfy { $0 == 0xA5 })
    try check(code, warning: warning)
    return Picture(width: Int(info.width), height: Int(info.height), rgb: Array(rgb[..<size]))
}

/// A smooth colour gradient, which JPEG keeps closely.
func gradient(width: Int, height: Int) -> Picture {
    var rgb: [UInt8] = []
    for y in 0..<height {
        for x in 0..<width {
            rgb += [UInt8(x * 255 / width), UInt8(y * 255 / height), UInt8((x + y) * 255 / (width + height))]
        }
    }
    return Picture(width: width, height: height, rgb: rgb)
}

func jpeg(_ picture: Picture, components: Int = 3, progressive: Bool = false) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
        count = rb_encode_jpeg(
            picture.rgb, Int32(picture.width), Int32(picture.height), Int32(components), progressive,
            buffer.baseAddress,
            buffer.count)
    }
}

func png(
    _ samples: [UInt8], width: Int, height: Int, depth: Int = 8, colour: rb_png_colour, interlaced: Bool = false
) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
        count = rb_encode_png(
            samples, samples.count / height, Int32(width), Int32(height), Int32(depth), colour, interlaced,
            buffer.baseAddress, buffer.count)
    }
}

@Suite struct PNGTests {
    @Test(arguments: [false, true])
    func `RGB comes back exactly, interlaced or not`(interlaced: Bool) throws {
        let picture = gradient(width: 37, height: 21)
        let file = png(picture.rgb, width: 37, height: 21, colour: RB_PNG_RGB, interlaced: interlaced)
        #expect(try decode(file) == picture)
    }

    @Test func `grey of every depth becomes three equal channels`() throws {
        let expected: [(depth: Int, samples: [UInt8], grey: [UInt8])] = [
            (1, [0b1010_0000], [255, 0, 255]), (2, [0b0001_1011], [0, 85, 170]), (4, [0x0F, 0x70], [0, 255, 119]),
            (8, [1, 2, 200], [1, 2, 200]), (16, [1, 255, 2, 0, 200, 128], [1, 2, 200]),
        ]
        for (depth, samples, grey) in expected {
            let picture = try decode(png(samples, width: 3, height: 1, depth: depth, colour: RB_PNG_GREY))
            #expect(picture.rgb == grey.flatMap { [$0, $0, $0] }, "\(depth) bits")
        }
    }

    @Test func `a palette is expanded`() throws {
        let picture = try decode(png([0, 1, 40], width: 3, height: 1, colour: RB_PNG_PALETTE))
        #expect(picture.rgb == [0, 255, 0, 1, 254, 7, 40, 215, 24])
        let packed = try decode(png([0b0111_0000], width: 2, height: 1, depth: 2, colour: RB_PNG_PALETTE))
        #expect(packed.rgb == [1, 254, 7, 3, 252, 21])
    }

    @Test func `transparency is ignored`() throws {
        let rgb = try decode(png([1, 2, 3, 0, 4, 5, 6, 128], width: 2, height: 1, colour: RB_PNG_RGB_ALPHA))
        #expect(rgb.rgb == [1, 2, 3, 4, 5, 6])
        let grey = try decode(png([9, 0, 8, 255], width: 2, height: 1, colour: RB_PNG_GREY_ALPHA))
        #expect(grey.rgb == [9, 9, 9, 8, 8, 8])
    }

    @Test func `of 16-bit samples the high byte stays`() throws {
        let samples: [UInt8] = [1, 255, 2, 255, 3, 0]
        #expect(try decode(png(samples, width: 1, height: 1, depth: 16, colour: RB_PNG_RGB)).rgb == [1, 2, 3])
    }

    @Test func `16 bits of which no pixel uses more than 8 are 8`() throws {
        let samples: [UInt8] = [0, 143, 0, 255, 0, 0]
        let file = png(samples, width: 3, height: 1, depth: 16, colour: RB_PNG_GREY)
        let warning = "the PNG file has 16 bits a pixel and uses 8 of them, which are taken"
        #expect(try decode(file, warning: warning).rgb == [143, 143, 143, 255, 255, 255, 0, 0, 0])
    }

    @Test func `what is damaged behind the last pixel is no error`() throws {
        let picture = gradient(width: 8, height: 8)
        var file = png(picture.rgb, width: 8, height: 8, colour: RB_PNG_RGB)
        let warning = "the PNG file is damaged or cut behind its last pixel"
        #expect(try decode(file.dropLast(12), warning: warning) == picture)
        file[file.count - 1] ^= 1  // of IEND's checksum
        #expect(try decode(file, warning: warning) == picture)
    }

    @Test func `a wrong checksum of pixel data is an error`() {
        var file = png(gradient(width: 8, height: 8).rgb, width: 8, height: 8, colour: RB_PNG_RGB)
        file[file.count - 13] ^= 1  // the last byte of IDAT's checksum, before the 12 bytes of IEND
        #expect { try decode(file) } throws: { ($0 as? Refusal)?.code == RB_IMAGE_DAMAGED }
    }
}

@Suite struct JPEGTests {
    @Test(arguments: [false, true])
    func `a smooth picture comes back closely`(progressive: Bool) throws {
        let picture = gradient(width: 61, height: 47)
        let decoded = try decode(jpeg(picture, progressive: progressive))
        #expect(decoded.width == 61 && decoded.height == 47)
        let differences = zip(decoded.rgb, picture.rgb).map { abs(Int($0) - Int($1)) }
        #expect(differences.max() ?? 255 <= 8)
        #expect(Double(differences.reduce(0, +)) / Double(differences.count) < 2)
    }

    @Test func `grey becomes three equal channels`() throws {
        let grey = Picture(width: 16, height: 8, rgb: [UInt8](repeating: 77, count: 128))
        #expect(try decode(jpeg(grey, components: 1)).rgb == [UInt8](repeating: 77, count: 384))
    }

    @Test func `CMYK becomes RGB as Pillow makes it`() throws {
        // Stored as Adobe does, 255 where there is no ink: of light 200, cyan takes 155 / 255 away.
        let cmyk = Picture(width: 8, height: 8, rgb: (0..<64).flatMap { _ in [100, 255, 0, 200] as [UInt8] })
        let rgb = try decode(jpeg(cmyk, components: 4)).rgb
        for pixel in 0..<64 {
            for (value, expected) in zip(rgb[3 * pixel..<3 * pixel + 3], [78, 200, 0]) {
                #expect(abs(Int(value) - expected) <= 3)
            }
        }
    }

    @Test(arguments: [false, true])
    func `a file that lacks only its end marker is read`(progressive: Bool) throws {
        let whole = jpeg(gradient(width: 61, height: 47), progressive: progressive)
        let warning = "the JPEG file lacks its end marker"
        #expect(try decode(whole.dropLast(2), warning: warning) == decode(whole))
        // The last scan of a progressive file changes pixels, though little.
        #expect { try decode(whole.dropLast(40)) } throws: { ($0 as? Refusal)?.code == RB_IMAGE_DAMAGED }
    }

    @Test func `a progressive picture that needs much memory is refused before it takes any`() {
        var file = jpeg(gradient(width: 64, height: 64), progressive: true)
        let frame = file.indices.first { file[$0] == 0xFF && file[$0 + 1] == 0xC2 } ?? 0
        file.replaceSubrange(frame + 5..<frame + 9, with: [0x40, 0x00, 0x20, 0x00])  // 8192 x 16384
        // Never touched, so it takes address space only.
        let rgb = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 8192 * 16384 * 3)
        defer { rgb.deallocate() }
        var message = emptyMessage
        let code = rb_image_decode(file, file.count, false, rgb.baseAddress, rgb.count, &message)
        #expect(code == RB_IMAGE_OUT_OF_MEMORY)
    }

    @Test func `a file of many scans is refused before it costs time`() {
        // The first scan, of constant coefficients, repeated: each repetition visits the whole picture again.
        let file = jpeg(gradient(width: 64, height: 64), progressive: true)
        func nextMarker(after start: Int) -> Int {
            file.indices.dropFirst(start + 1).dropLast().first { file[$0] == 0xFF && file[$0 + 1] != 0 } ?? 0
        }
        let scan = file.indices.dropLast().first { file[$0] == 0xFF && file[$0 + 1] == 0xDA } ?? 0
        let end = nextMarker(after: scan)
        let bomb = file[..<end] + (0..<200).flatMap { _ in Array(file[scan..<end]) } + file[end...]
        #expect { try decode(Array(bomb)) } throws: { ($0 as? Refusal)?.message.contains("100 scans") == true }
    }
}

@Suite struct PNMTests {
    private func pnm(_ header: String, _ samples: [UInt8]) -> [UInt8] { Array(header.utf8) + samples }

    @Test func `PPM and PGM are read with comments and any white space`() throws {
        let samples: [UInt8] = [1, 2, 3, 4, 5, 6]
        for header in ["P6 2 1 255\n", "P6\n# made by hand\n2\t1 # size\n255 ", "P6\r\n2 1\r\n#\n#\n255\n"] {
            #expect(try decode(pnm(header, samples)) == Picture(width: 2, height: 1, rgb: samples))
        }
        #expect(try decode(pnm("P5 1 2 255\n", [7, 8])) == Picture(width: 1, height: 2, rgb: [7, 7, 7, 8, 8, 8]))
    }

    @Test func `a sample that looks like a comment is a sample`() throws {
        #expect(try decode(pnm("P5 1 1 255\n", [UInt8(ascii: "#")])).rgb == [35, 35, 35])
    }

    @Test(arguments: [
        ("P6 1 1 65535\n", RB_IMAGE_UNSUPPORTED), ("P6 1 1 15\n", RB_IMAGE_UNSUPPORTED),
        ("P6 2 1 255\n", RB_IMAGE_DAMAGED),
        ("P6 1 1 255", RB_IMAGE_DAMAGED), ("P6 1 x 255\n", RB_IMAGE_DAMAGED), ("P6 -1 1 255\n", RB_IMAGE_DAMAGED),
        ("P6 0 1 255\n", RB_IMAGE_DAMAGED), ("P6 # no end", RB_IMAGE_DAMAGED), ("P6", RB_IMAGE_DAMAGED),
        ("P6 16385 1 255\n", RB_IMAGE_TOO_LARGE), ("P6 1 99999999999999999999 255\n", RB_IMAGE_TOO_LARGE),
        ("P6 16384 16384 255\n", RB_IMAGE_DAMAGED), ("P3 1 1 255\n", RB_IMAGE_UNKNOWN_KIND),
    ])
    func `a header that is wrong, or wants more samples than are there, is refused`(
        header: String, code: rb_image_error
    ) {
        let samples: [UInt8] = header.hasSuffix("\n") ? [1, 2, 3] : []
        #expect { try decode(pnm(header, samples)) } throws: { ($0 as? Refusal)?.code == code }
    }
}

@Suite struct DamagedPictureTests {
    private static let picture = gradient(width: 33, height: 17)
    private static let files: [(kind: String, bytes: [UInt8])] = [
        ("JPEG", jpeg(picture)), ("progressive JPEG", jpeg(picture, progressive: true)),
        ("PNG", png(picture.rgb, width: 33, height: 17, colour: RB_PNG_RGB)),
        ("interlaced PNG", png(picture.rgb, width: 33, height: 17, colour: RB_PNG_RGB, interlaced: true)),
        ("PPM", Array("P6 33 17 255\n".utf8) + picture.rgb), ("BMP", bmp(picture)), ("GIF", gif(palettePicture)),
        ("WebP", webp(picture)),
    ]
    private static let palettePicture = PalettePicture(width: 33, height: 17)

    @Test(arguments: files.indices)
    func `a file cut anywhere is refused`(index: Int) {
        let (kind, bytes) = Self.files[index]
        // What stands behind the last pixel may be missing.
        let tail = ["PNG": 12, "interlaced PNG": 12, "JPEG": 2, "progressive JPEG": 2, "GIF": 1, "WebP": 1][kind] ?? 0
        for length in bytes.indices.dropLast(tail) {
            #expect(throws: Refusal.self, "\(kind) cut to \(length) of \(bytes.count) bytes") {
                try decode(Array(bytes[..<length]))
            }
        }
    }

    @Test(arguments: files.indices)
    func `a file with any one byte changed is decoded or refused`(index: Int) {
        let bytes = Self.files[index].bytes
        for offset in bytes.indices {
            for change in [0xFF, 0x01, 0x80] as [UInt8] {
                var damaged = bytes
                damaged[offset] ^= change
                _ = try? decode(damaged, anyWarning: true)
            }
        }
    }

    @Test func `sides of more than 16384 pixels are refused`() {
        let row = [UInt8](repeating: 0, count: 16385 * 3)
        let wide = png(row, width: 16385, height: 1, colour: RB_PNG_RGB)
        #expect { try decode(wide) } throws: { ($0 as? Refusal)?.code == RB_IMAGE_TOO_LARGE }
        var tall = jpeg(Self.picture)
        let frame = tall.indices.first { tall[$0] == 0xFF && tall[$0 + 1] == 0xC0 } ?? 0
        for height in [[0x40, 0x01], [0xFF, 0xFF]] as [[UInt8]] {
            tall.replaceSubrange(frame + 5..<frame + 7, with: height)
            #expect { try decode(tall) } throws: { ($0 as? Refusal)?.code == RB_IMAGE_TOO_LARGE }
        }
    }

    @Test func `what is no picture is refused`() {
        for bytes in [[], [0xFF], Array("P3 1 1 255\n1 2 3".utf8), [UInt8](repeating: 0, count: 100)] as [[UInt8]] {
            #expect { try decode(bytes) } throws: { ($0 as? Refusal)?.code == RB_IMAGE_UNKNOWN_KIND }
        }
    }

    @Test(
        arguments: [
            ([], "an empty file"), (Array("\n <!DOCTYPE html><html>".utf8), "an HTML page"),
            ([0, 5, 0x16, 7, 0, 2], "AppleDouble"),
            (Array("version https://git-lfs.github.com/spec/v1\n".utf8), "Git LFS"),
            (Array("II*\0".utf8) + [8, 0, 0, 0], "a TIFF picture"),
            ([0, 0, 0, 24] + Array("ftypheic".utf8), "a HEIC picture"),
            (Array("%PDF-1.4".utf8), "a PDF document"), (Array("<svg xmlns".utf8), "an XML or SVG file"),
        ] as [([UInt8], String)])
    func `what a file is instead is named`(bytes: [UInt8], name: String) {
        #expect { try decode(bytes) } throws: { ($0 as? Refusal)?.message.contains(name) == true }
    }

    @Test func `a buffer of one byte too few is refused`() {
        for (kind, bytes) in Self.files {
            var rgb = [UInt8](repeating: 0, count: 33 * 17 * 3 - 1)
            var message = emptyMessage
            #expect(
                rb_image_decode(bytes, bytes.count, false, &rgb, rgb.count, &message) == RB_IMAGE_SMALL_BUFFER,
                "\(kind)")
        }
    }
}
