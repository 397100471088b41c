import Foundation
import ImageEncoders
import ProgramRunner
import Testing
import TinyModel

/// JPEG frames of 40 x 32 pixels, each of one brightness.
private func jpegFrames(brightness: [UInt8]) -> [[UInt8]] {
    brightness.map { grey in
        let samples = [UInt8](repeating: grey, count: 40 * 32)
        return [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            count = rb_encode_jpeg(samples, 40, 32, 1, false, buffer.baseAddress, buffer.count)
        }
    }
}

/// Runs over a recording whose camera agreed to a size; the inputs' checksums and standard error.
private func answers(
    to frames: [[UInt8]], of format: String = "MJPG", width: UInt32 = 40, height: UInt32 = 32, stride: UInt32 = 0,
    _ options: [String] = []
) throws -> (inputs: [String], errors: String) {
    let folder = try TemporaryFolder()
    let model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
    let path = try folder.write(
        recording(of: format, frames: frames, width: width, height: height, stride: stride), to: "frames")
    let result = try runProgram("rarebit", ["run", model, "--frames", path, "--json"] + options)
    #expect(result.status == 0)
    let inputs = try records(in: result.output).compactMap { $0["input_crc"] as? String }
    return (inputs, result.errors.replacingOccurrences(of: path, with: "FRAMES"))
}

@Suite struct AnOddFrame {
    private let frames = jpegFrames(brightness: [20, 130, 240])

    @Test func withoutAnEndMarkerIsAnsweredAndTheWarningComesOnce() throws {
        let whole = try answers(to: frames)
        #expect(whole.inputs.count == 3 && Set(whole.inputs).count == 3 && whole.errors == "")
        for padding in [0, 500] {
            let cut = try answers(to: frames.map { $0.dropLast(2) + [UInt8](repeating: 0, count: padding) })
            #expect(cut.inputs == whole.inputs)
            #expect(
                cut.errors == """
                    rarebit: FRAMES: frames come without the JPEG end marker, with all their pixels; they are answered

                    """)
        }
    }

    @Test func ofAnotherSizeThanAgreedIsAnsweredAndTheWarningComesOnce() throws {
        let agreed = try answers(to: frames)
        let other = try answers(to: frames, height: 30)
        #expect(other.inputs == agreed.inputs)
        #expect(
            other.errors == """
                rarebit: FRAMES: frames are 40 x 32 by their own header, not 40 x 30 as agreed; they are answered as they are

                """)
    }

    @Test func withoutAnEndMarkerAndOfAnotherSizeIsToldOfBoth() throws {
        let odd = try answers(to: frames.map { Array($0.dropLast(2)) }, height: 30)
        #expect(odd.inputs.count == 3 && odd.errors.split(separator: "\n").count == 2)
    }

    @Test func ofWhichPixelsAreMissingIsNoneAndCounted() throws {
        let cut = try answers(to: [frames[0], frames[1].dropLast(40) + [0xFF, 0xD9], frames[2]])
        #expect(cut.inputs == [try answers(to: frames).inputs[0], try answers(to: frames).inputs[2]])
    }

    @Test func ofASizeInWhichTheCropIsNotIsNone() throws {
        let cropped = try answers(to: frames, height: 64, ["--crop", "0,40,20,20"])
        #expect(cropped.inputs.isEmpty && !cropped.errors.contains("answered as they are"))
    }
}

/// 16-bit brightness: a pattern from `low` on, `span` wide.
private func heatFrame(low: Int, span: Int, seed: Int) -> [UInt8] {
    (0..<(40 * 32)).flatMap { index in
        let value = low + (index * seed) % (span + 1)
        return [UInt8(value & 0xFF), UInt8(value >> 8)]
    }
}

@Suite struct SixteenBitBrightness {
    private let heat = [7, 11, 13].map { heatFrame(low: 8000, span: 700, seed: $0) }

    private func run(_ frames: [[UInt8]], _ options: [String] = []) throws -> (inputs: [String], errors: String) {
        try answers(to: frames, of: "Y16 ", stride: 80, options)
    }

    @Test func ofASmallPartOfItsRangeIsToldOnce() throws {
        let told = try run(heat).errors
        #expect(
            told == """
                rarebit: FRAMES: the brightness of the first frame is 8000...8700 of 0...65535, 3 levels of grey to the \
                model; see --y16-range in rarebit run --help

                """)
        #expect(try run([heatFrame(low: 100, span: 40_000, seed: 7)]).errors == "")
    }

    @Test(arguments: ["auto", "8000,8700"])
    func ofARangeThatIsGivenIsSeenWhole(range: String) throws {
        let seen = try run(heat, ["--y16-range", range])
        #expect(seen.errors == "" && Set(seen.inputs).count == 3)
        // The same pattern, of another camera.
        let others = [7, 11, 13].map { heatFrame(low: 20_000, span: 700, seed: $0) }
        #expect(try run(others, ["--y16-range", range == "auto" ? range : "20000,20700"]).inputs == seen.inputs)
    }

    @Test(arguments: ["", "7", "7,", "9,8", "8,8", "1,65536", "a,b", "1,2,3", "automatic"])
    func ofARangeThatIsNoneIsRefused(range: String) throws {
        let folder = try TemporaryFolder()
        let model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
        let result = try runProgram("rarebit", ["run", model, "--y16-range", range])
        #expect(result.status == 2)
        #expect(result.errorLine?.hasPrefix("rarebit: --y16-range: '\(range)' is no range of brightness; ") == true)
    }
}
