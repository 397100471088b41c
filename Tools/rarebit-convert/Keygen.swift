import ArgumentParser
import Checkpoint
import Foundation
import ModelFormat
import Signatures

struct Keygen: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a pair of keys: a secret one to sign models with, and a public one for those who run them.",
        discussion: """
            Writes NAME.key, which only you may read and which signs models (rarebit-convert sign), and NAME.pub, a line for the \
            file of trusted keys on each board (rarebit run --trust). Who has the secret key can make models that those boards \
            run: keep it where models are released, and a copy where it cannot burn.
            """)

    @Argument(help: ArgumentHelp("Of the two files, without an ending.", valueName: "name"))
    var path: String
    @Option(
        help: ArgumentHelp(
            "What the signer is called in signed models; the files' name where not given.", valueName: "text"))
    var signer: String?

    func run() throws {
        let signer = signer ?? URL(fileURLWithPath: path).lastPathComponent
        var random = SystemRandomNumberGenerator()
        let seed = (0..<Int(RB_SEED_BYTES)).map { _ in UInt8.random(in: 0...255, using: &random) }
        guard let key = SigningKey(seed: seed, signer: signer) else {
            throw UsageFailure(
                "'\(printable(signer))' is no name of a signer; give 1 to \(ModelSignature.nameBytes) bytes of plain text with --signer"
            )
        }
        let secret = "\(path).key"
        let publicKey = "\(path).pub"
        // A key that is written over is lost, and with it whatever trusts it.
        for file in [secret, publicKey] where FileManager.default.fileExists(atPath: file) {
            throw Failure("\(file): is there already, and keys are never written over; give another name")
        }
        try claimOutput(secret)
        try claimOutput(publicKey)
        let mask = umask(0o077)
        defer { umask(mask) }
        try replaceFile(secret, with: Array(key.secretLine.utf8))
        umask(mask)
        try replaceFile(publicKey, with: Array(key.publicLine.utf8))
        print("\(secret): signs models as \(printable(signer)); let nobody else have it")
        print("\(publicKey): what boards need to trust them")
    }
}

// Both files are one line of text: what it is, the key in hexadecimal digits, the signer's name.
extension SigningKey {
    fileprivate static let secretKind = "ed25519-secret"

    var publicLine: String { "ed25519 \(hexadecimal(publicKey)) \(signer)\n" }
    fileprivate var secretLine: String { "\(Self.secretKind) \(hexadecimal(seed)) \(signer)\n" }

    /// Reads what `keygen` wrote.
    init(secretFile path: String) throws {
        let words = try readText(path).trimmingCharacters(in: .newlines).split(
            separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count == 3, words[0] == Self.secretKind, let seed = bytes(hexadecimal: words[1]),
            let key = SigningKey(seed: seed, signer: String(words[2]))
        else {
            throw Failure("\(path): is no secret key; give NAME.key, as rarebit-convert keygen NAME writes it")
        }
        self = key
    }
}

/// Two digits a byte.
func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

private func bytes(hexadecimal text: Substring) -> [UInt8]? {
    let digits = text.map(\.hexDigitValue)
    guard digits.count % 2 == 0, digits.allSatisfy({ $0 != nil }) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(16 * digits[$0]! + digits[$0 + 1]!) }
}
