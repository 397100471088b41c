import Foundation
import ProgramRunner
import Testing
import TinyModel

@Suite struct Signing {
    private let folder: TemporaryFolder
    private let model: String

    init() throws {
        folder = try TemporaryFolder()
        model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
    }

    private func convert(_ arguments: String...) throws -> ProgramResult {
        try runProgram("rarebit-convert", arguments)
    }

    private func contents(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    private func expectRefusal(_ line: String, status: Int32 = 1, _ arguments: String...) throws {
        let before = try contents(model)
        let result = try runProgram("rarebit-convert", arguments)
        #expect(result.status == status)
        #expect(result.errorLine == "rarebit-convert: \(line)")
        #expect(try contents(model) == before)
    }

    @Test func givesWhatThePublicKeyTrusts() throws {
        let name = folder.path("release")
        let made = try convert("keygen", name, "--signer", "The lab, Umeå")
        #expect(made.status == 0)
        #expect(made.output.contains("signs models as The lab, Umeå"))
        let signed = folder.path("signed.rbit")
        let result = try convert("sign", model, "--key", "\(name).key", "-o", signed)
        #expect(result.status == 0)
        #expect(
            try runProgram("rarebit", ["info", signed, "--trust", "\(name).pub"]).output.contains("by The lab, Umeå"))
        #expect(try convert("inspect", signed).output.contains("signed      by The lab, Umeå, key "))
        // In place, and over an earlier signature, it is the same file.
        #expect(try convert("keygen", folder.path("other")).status == 0)
        #expect(try convert("sign", model, "--key", folder.path("other.key")).status == 0)
        #expect(try runProgram("rarebit", ["info", model, "--trust", "\(name).pub"]).status == 1)
        #expect(try convert("sign", model, "--key", "\(name).key").status == 0)
        #expect(try contents(model) == contents(signed))
    }

    @Test func keepsTheSecretKeyFromOthers() throws {
        #expect(try convert("keygen", folder.path("a")).status == 0)
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("a.key"))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let secret = try String(contentsOfFile: folder.path("a.key"), encoding: .utf8).split(separator: " ")[1]
        #expect(try !String(contentsOfFile: folder.path("a.pub"), encoding: .utf8).contains(secret))
        #expect(try convert("keygen", folder.path("b")).status == 0)
        #expect(try contents(folder.path("a.pub")) != contents(folder.path("b.pub")))
    }

    @Test(arguments: ["a.key", "a.pub"])
    func neverWritesOverAKey(existing: String) throws {
        let path = try folder.write([1, 2, 3], to: existing)
        try expectRefusal(
            "\(path): is there already, and keys are never written over; give another name", "keygen", folder.path("a"))
        #expect(try contents(path) == Data([1, 2, 3]))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() == [existing, "model.rbit"])
    }

    @Test func refusesWhatIsNoSecretKey() throws {
        #expect(try convert("keygen", folder.path("a")).status == 0)
        let line = try String(contentsOfFile: folder.path("a.key"), encoding: .utf8)
        let rubbish = [
            "", "rubbish\n", String(line.dropFirst()), line.replacingOccurrences(of: " ", with: ""),
            String(line.prefix(60)), line.replacingOccurrences(of: "ed25519-secret", with: "ed25519"),
        ]
        for text in rubbish + [try String(contentsOfFile: folder.path("a.pub"), encoding: .utf8)] {
            let path = try folder.write(Array(text.utf8), to: "rubbish")
            try expectRefusal(
                "\(path): is no secret key; give NAME.key, as rarebit-convert keygen NAME writes it", "sign", model,
                "--key",
                path)
        }
    }

    @Test func refusesWhatIsNoModel() throws {
        #expect(try convert("keygen", folder.path("a")).status == 0)
        var damaged = TinyModel.contents.serialized()
        damaged[300] ^= 1
        let path = try folder.write(damaged, to: "damaged.rbit")
        let result = try convert("sign", path, "--key", folder.path("a.key"))
        #expect(result.status == 1)
        #expect(result.errorLine?.contains("\(path): the file is damaged: checksum") == true)
        #expect(try contents(path) == Data(damaged))
        try expectRefusal(
            "\(folder.path("a.key")): cannot be read: it is an output too; give the output another name", "sign", model,
            "--key", folder.path("a.key"), "-o", folder.path("a.key"))
    }

    @Test func refusesANameThatNoFileCanHold() throws {
        try expectRefusal(
            "'a\\u{1b}b' is no name of a signer; give 1 to 64 bytes of plain text with --signer", status: 2, "keygen",
            folder.path("a"), "--signer", "a\u{1B}b")
    }
}
