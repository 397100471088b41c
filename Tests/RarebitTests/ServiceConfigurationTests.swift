import Foundation
import ModelFormat
import ProgramRunner
import Testing
import TinyModel

/// The configuration that the service is installed with, in a folder that stands for the board's.
@Suite struct TheServicesConfiguration {
    private let folder: TemporaryFolder
    private let lines: [String]

    init() throws {
        folder = try TemporaryFolder()
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Firmware/service/rarebit.conf")
        var text = try String(contentsOf: file, encoding: .utf8)
        let key = SigningKey(seed: [UInt8](repeating: 1, count: 32), signer: "the factory")!
        let model = try folder.write(key.signed(TinyModel.contents.serialized()), to: "model.rbit")
        let digits = key.publicKey.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        let keys = try folder.write(Array("ed25519 \(digits)".utf8), to: "trusted-keys")
        for (place, here) in [
            ("@prefix@/share/rarebit/model.rbit", model), ("/etc/rarebit/trusted-keys", keys),
            ("/run/rarebit", folder.url.path),
            ("/var/lib/rarebit", folder.url.path),
        ] {
            #expect(text.contains(place))
            text = text.replacingOccurrences(of: place, with: here)
        }
        lines = text.components(separatedBy: "\n")
    }

    /// Runs with some lines, on a recording in place of the camera.
    private func run(_ lines: [String]) throws -> ProgramResult {
        let frames = try folder.write(greyRecording(brightness: [10, 200]), to: "recorded")
        let configuration = try folder.write(Array(lines.joined(separator: "\n").utf8), to: "rarebit.conf")
        return try runProgram("rarebit", ["run", "--config", configuration, "--frames", frames])
    }

    @Test func isTakenAsItIs() throws {
        let result = try run(lines)
        #expect(result.status == 0)
        #expect(result.output == "")
    }

    /// Settings that are only examples must be right, too, once somebody takes the # away.
    @Test func isTakenWithEverySettingMade() throws {
        let made = lines.map { line in
            if line.hasPrefix("#cpus") { return "cpus = 0" }  // this machine may have no others
            if line.hasPrefix("#crop") { return "crop = 0,0,8,8" }  // the frames are small
            if line.hasPrefix("output") { return "output = file:\(folder.path("answers"))" }
            let isSetting = line.range(of: "^#[a-z-]+ = ", options: .regularExpression) != nil
            return isSetting ? String(line.dropFirst()) : line
        }
        #expect(made.filter { !$0.hasPrefix("#") && $0.contains(" = ") }.count >= 19)
        let result = try run(made)
        #expect(result.status == 0)
        let answers = try String(contentsOfFile: folder.path("answers"), encoding: .utf8)
        #expect(answers.contains("\"frame\":1"))
    }
}
