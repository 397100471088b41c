import Signatures
import Testing
import TinyModel

@testable import ModelFormat

private let model = TinyModel.contents.serialized()
private let owner = SigningKey(seed: [UInt8](repeating: 1, count: 32), signer: "Räksmörgås AB")!
private let stranger = SigningKey(seed: [UInt8](repeating: 2, count: 32), signer: "somebody else")!

private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

private func line(of key: SigningKey) -> String { "ed25519 \(hexadecimal(key.publicKey)) \(key.signer)\n" }

private func keys(_ text: String) throws(TrustedKeysError) -> TrustedKeys {
    let bytes = AlignedBytes(Array(text.utf8))
    defer { withExtendedLifetime(bytes) {} }
    return try TrustedKeys(bytes.readOnly)
}

private func verify(_ file: [UInt8], trusting keys: TrustedKeys?) throws(ModelError) {
    let aligned = AlignedBytes(file)
    _ = try Model(verifying: aligned.readOnly, trusting: keys)
}

@Suite struct ASignedFile {
    @Test func isTheModelWithItsSignersNameAndKeyBehindIt() throws {
        let file = AlignedBytes(owner.signed(model))
        let signed = try Model(verifying: file.readOnly, trusting: keys(line(of: owner)))
        #expect(Array(signed.bytes) == model)
        #expect(signed.fileBytes == file.bytes.count)
        let signature = try #require(signed.signature)
        #expect(String(decoding: signature.signer, as: UTF8.self) == owner.signer)
        #expect(Array(signature.key) == owner.publicKey)
        #expect((0..<4).map(signed.classCount) == TinyModel.contents.classCounts.map(Optional.some))
    }

    @Test func isTheSameBytesEachTime() {
        #expect(owner.signed(model) == owner.signed(model))
    }

    @Test func needsNobodysTrustWhereNoneIsAskedFor() throws {
        try verify(stranger.signed(model), trusting: nil)
        try verify(model, trusting: nil)
    }

    @Test func ofAnyTrustedSignerIsTaken() throws {
        let both = try keys("# of the factory\n\n\(line(of: owner))\t\(line(of: stranger).dropLast())\r\n")
        try verify(owner.signed(model), trusting: both)
        try verify(stranger.signed(model), trusting: both)
    }

    @Test func ofAnybodyElseIsRefused() throws {
        let trusted = try keys(line(of: owner))
        let number = UInt32(hexadecimal(stranger.publicKey).prefix(8), radix: 16)!
        #expect(throws: ModelError.untrusted(key: number)) { try verify(stranger.signed(model), trusting: trusted) }
        #expect(throws: ModelError.unsigned) { try verify(model, trusting: trusted) }
    }

    @Test func isRefusedWithAnyBitFlipped() throws {
        let good = owner.signed(model)
        for trusted in [nil, try keys(line(of: owner))] {
            for offset in good.indices {
                var bad = good
                bad[offset] ^= 1 << UInt8(offset % 8)
                #expect(throws: ModelError.self, "byte \(offset)") { try verify(bad, trusting: trusted) }
            }
        }
    }

    /// Nor does a right checksum help a model that was changed.
    @Test func isRefusedWhereItsModelWasSealedAgain() throws {
        var contents = TinyModel.contents
        contents.head.defaultAlpha += 1
        let changed = contents.serialized()
        try verify(changed, trusting: nil)
        let spliced = changed + owner.signed(model).suffix(ModelSignature.byteCount)
        #expect(throws: ModelError.badSignature(.signature)) { try verify(spliced, trusting: nil) }
    }

    @Test func isRefusedTruncatedAtAnyByte() throws {
        let good = owner.signed(model)
        let trusted = try keys(line(of: owner))
        for count in 0..<good.count where count != model.count {
            #expect(throws: ModelError.self, "\(count) bytes") { try verify(Array(good.prefix(count)), trusting: nil) }
        }
        // What is left is the model, which nobody signed.
        #expect(throws: ModelError.unsigned) { try verify(Array(good.prefix(model.count)), trusting: trusted) }
        #expect(throws: ModelError.self) { try verify(good + [0], trusting: trusted) }
    }

    @Test func hasANameThatCanGoToATerminal() {
        let seed = [UInt8](repeating: 3, count: 32)
        for name in ["", "two\nlines", "\u{1B}[2J", String(repeating: "x", count: 65)] {
            #expect(SigningKey(seed: seed, signer: name) == nil)
        }
        #expect(SigningKey(seed: seed, signer: String(repeating: "x", count: 64)) != nil)
        #expect(SigningKey(seed: [1, 2, 3], signer: "name") == nil)
    }
}

@Suite struct SignaturesOfEd25519 {
    /// RFC 8032, section 7.1, test 2.
    @Test func areThoseOfTheStandard() {
        let seed: [UInt8] = [
            0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e, 0x0f,
            0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb,
        ]
        var key = [UInt8](repeating: 0, count: 32)
        rb_public_key(seed, &key)
        #expect(hexadecimal(key) == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
        var signature = [UInt8](repeating: 0, count: 64)
        rb_sign(seed, [0x72], 1, &signature)
        #expect(
            hexadecimal(signature)
                == "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
        #expect(rb_signature_is_right(signature, [0x72], 1, key))
        #expect(!rb_signature_is_right(signature, [0x73], 1, key))
    }
}

@Suite struct ATextOfTrustedKeys {
    @Test(arguments: ["", "\n\n", "# nothing\n", "   \t\r\n"])
    func withoutAKeyIsRefused(text: String) {
        #expect(throws: TrustedKeysError.noKey) { try keys(text) }
    }

    @Test func isReadToItsEndOrNotAtAll() throws {
        let good = line(of: owner)
        let digits = hexadecimal(owner.publicKey)
        for bad in [
            "ed25519", "ed25519 ", "ed25519 \(digits.dropLast())", "ed25519 \(digits)0",
            "ed25519 \(digits.dropLast())g",
            "rsa \(digits)", digits, "ed25519-secret \(digits) name", "ed25519\0\(digits)", "\u{FEFF}x",
        ] {
            #expect(throws: TrustedKeysError.noKeyInLine(2)) { try keys("\(good)\(bad)\n\(good)") }
        }
        #expect(try contains(keys("ed25519 \(digits.uppercased())"), owner))
    }

    @Test func holdsSixteenKeysAndNoMore() throws {
        let lines = (0..<17).map { number in
            line(of: SigningKey(seed: [UInt8](repeating: UInt8(number), count: 32), signer: "n")!)
        }
        let most = try keys(lines.prefix(16).joined())
        #expect(most.count == 16)
        for number in 0..<17 {
            let key = SigningKey(seed: [UInt8](repeating: UInt8(number), count: 32), signer: "n")!
            #expect(contains(most, key) == (number < 16))
        }
        #expect(throws: TrustedKeysError.tooMany) { try keys(lines.joined()) }
    }

    private func contains(_ keys: TrustedKeys, _ key: SigningKey) -> Bool {
        let bytes = AlignedBytes(key.publicKey)
        return withExtendedLifetime(bytes) { keys.contain(bytes.readOnly) }
    }
}
