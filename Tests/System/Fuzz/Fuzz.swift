// fuzz TARGET [libFuzzer's arguments]: gives one reader of untrusted files whatever libFuzzer makes up.
// fuzz seeds FOLDER: writes sound .rbit files to begin with, of the format's present version.
//
// Of the readers of weights everything up to the network, and of small ONNX networks on to the written model; of networks that
// the fuzzer makes up simplification, lowering, calibration, the written file and one frame on every path; of .rbit files the
// verifier and one frame; of JPEG frames all the way to a model's input; of picture files the pixels; of recordings every
// frame; of streams the same frames in whatever pieces they come. A finding is a crash, a report of the address sanitizer, an input that takes too long, or one that
// takes too much memory. `main` is libFuzzer's.
import Foundation

/// What libFuzzer calls with each input.
private typealias Target = @Sendable (UnsafePointer<UInt8>?, Int) -> CInt

private let targets: [String: Target] = [
    "zip": fuzzWeights, "legacy": fuzzWeights, "safetensors": fuzzWeights, "onnx": fuzzWeights, "rbit": fuzzModel,
    "jpeg": fuzzJPEG, "network": fuzzNetwork, "picture": fuzzPicture, "recording": fuzzRecording,
    "stream": fuzzStream,
]

/// The one that the first argument names.
private let target: Target = {
    guard let target = CommandLine.arguments.dropFirst().first.flatMap({ targets[$0] }) else {
        print("usage: fuzz \(targets.keys.sorted().joined(separator: "|")) [ARGUMENT...]")
        exit(2)
    }
    return target
}()

/// Called once before all else: takes the target's name out of the arguments, which libFuzzer reads afterwards.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
    if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "seeds" {
        exit(writeModelSeeds(to: CommandLine.arguments[2]) ? 0 : 1)
    }
    _ = target
    arguments.pointee[1] = arguments.pointee[0]
    arguments.pointee += 1
    count.pointee -= 1
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target(data, count)
}
