import Foundation
import ModelFormat
import ProgramRunner
import Testing
import TinyModel

/// A signed model, the same unsigned, and files of keys, one of them the signer's.
private struct Release {
    let folder: TemporaryFolder
    let unsigned: String
    let signed: String
    let keys: String
    let others: String
    let frames: String

    init() throws {
        folder = try TemporaryFolder()
        let model = TinyModel.contents.serialized()
        let (owner, other) = (Self.key(1), Self.key(2))
        unsigned = try folder.write(model, to: "unsigned.rbit")
        signed = try folder.write(owner.signed(model), to: "signed.rbit")
        keys = try folder.write(Self.line(of: other) + Self.line(of: owner), to: "keys")
        others = try folder.write(Self.line(of: other), to: "others")
        frames = try folder.write(greyRecording(brightness: [77]), to: "frames")
    }

    func commands(_ model: String) -> [[String]] {
        [
            ["info", model], ["classify", model, picture], ["bench", model, "--runs", "1"],
            ["bench", model, "--camera-path", "--runs", "1"], ["run", model, "--frames", frames],
        ]
    }

    private var picture: String { folder.path("picture.ppm") }

    func writePicture() throws {
        _ = try folder.write(Array("P6 6 6 255\n".utf8) + [UInt8](repeating: 90, count: 108), to: "picture.ppm")
    }

    private static func key(_ number: UInt8) -> SigningKey {
        SigningKey(seed: [UInt8](repeating: number, count: 32), signer: "signer \(number)")!
    }

    private static func line(of key: SigningKey) -> [UInt8] {
        let digits = key.publicKey.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        return Array("ed25519 \(digits) \(key.signer)\n".utf8)
    }
}

@Suite struct TrustInSigners {
    private let release: Release

    init() throws {
        release = try Release()
        try release.writePicture()
    }

    @Test func letsATrustedSignersModelRun() throws {
        for command in release.commands(release.signed) {
            let trusting = try runProgram("rarebit", command + ["--trust", release.keys])
            #expect(trusting.status == 0, "\(command)")
            #expect(trusting.errors == "")
        }
        let answers = try [release.unsigned, release.signed].map {
            try runProgram("rarebit", ["classify", $0, release.folder.path("picture.ppm"), "--json"]).output
        }
        #expect(answers[0] == answers[1])
    }

    @Test func refusesEveryOtherModel() throws {
        for command in release.commands(release.unsigned) {
            let result = try runProgram("rarebit", command + ["--trust", release.keys])
            #expect(result.status == 1)
            #expect(result.output == "")
            #expect(
                result.errorLine
                    == "rarebit: \(release.unsigned): is not signed, and only signed models are trusted here; sign it with rarebit-convert sign"
            )
        }
        for command in release.commands(release.signed) {
            let result = try runProgram("rarebit", command + ["--trust", release.others])
            #expect(result.status == 1)
            #expect(result.output == "")
            #expect(
                result.errorLine
                    == "rarebit: \(release.signed): is signed with the key 8a88e3dd..., which is none of those trusted here; get one of a trusted signer, or add the signer's public key to the trusted ones"
            )
        }
    }

    @Test func refusesAModelThatWasChangedAfterSigning() throws {
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: release.signed)))
        bytes[300] ^= 1
        let changed = try release.folder.write(bytes, to: "changed.rbit")
        let result = try runProgram("rarebit", ["info", changed, "--trust", release.keys])
        #expect(result.status == 1)
        #expect(
            result.errorLine
                == "rarebit: \(changed): the signature is not of this file, which was changed or damaged after signing; get it from its signer again"
        )
    }

    @Test func isGivenByAConfigurationFileToo() throws {
        func run(_ keys: String) throws -> ProgramResult {
            let text = "model = \(release.signed)\nframes = \(release.frames)\njson = yes\ntrust = \(keys)\n"
            return try runProgram("rarebit", ["run", "--config", release.folder.write(Array(text.utf8), to: "conf")])
        }
        #expect(try run(release.keys).status == 0)
        #expect(try run(release.others).status == 1)
    }

    /// A board whose keys are damaged trusts nobody, rather than everybody.
    @Test func needsAReadableListOfKeys() throws {
        let none = release.folder.path("none")
        let rubbish: [(String, String)] = [
            (none, "cannot be read: No such file or directory"),
            (release.folder.url.path, "cannot be read: Is a directory"),
            (try release.folder.write([], to: "empty"), "holds no key; rarebit-convert keygen makes one"),
            (
                release.signed,
                "line 1 is no key; a line is 'ed25519', 64 hexadecimal digits and a name, as rarebit-convert keygen writes it"
            ),
            (
                try release.folder.write([UInt8](repeating: 10, count: 20_000), to: "long"),
                "cannot be read: File too large"
            ),
        ]
        for (path, complaint) in rubbish {
            let result = try runProgram("rarebit", ["info", release.signed, "--trust", path])
            #expect(result.status == 1)
            #expect(result.errorLine == "rarebit: \(path): \(complaint)")
        }
    }

    @Test func isToldOfByInfo() throws {
        let signed = try runProgram("rarebit", ["info", release.signed]).output
        #expect(
            signed.contains(
                "\nsigned      by signer 1, key 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c\n"))
        #expect(try runProgram("rarebit", ["info", release.unsigned]).output.contains("\nsigned      by nobody\n"))
    }
}
