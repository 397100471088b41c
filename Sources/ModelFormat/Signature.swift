import Signatures
import Text

/// Who vouches for a model file. What signing adds stands behind the model's own bytes, which the header's file size counts:
///
///   offset 0    magic, 8 bytes: "RBITSIGN"
///          8    reserved, zero                              24 bytes
///         32    public key of the signer, Ed25519           32 bytes
///         64    name of the signer, UTF-8, filled with zero 64 bytes
///        128    Ed25519 signature (RFC 8032)                64 bytes
///
/// The signature is of everything before it: the model, the key and the name.
public struct ModelSignature {
    public static let byteCount = 192
    /// The most that a name may have, bytes of UTF-8.
    public static let nameBytes = 64
    static let magic: UInt64 = 0x4E47_4953_5449_4252  // "RBITSIGN", little-endian

    /// The public key, `RB_KEY_BYTES`. Like the name in memory of the file.
    public let key: UnsafeRawBufferPointer
    /// UTF-8 without control characters.
    public let signer: UnsafeRawBufferPointer

    /// Checks the signature of `file`, whose first `modelBytes` are the model's.
    init(verifying file: UnsafeRawBufferPointer, behind modelBytes: Int) throws(ModelError) {
        let block = UnsafeRawBufferPointer(rebasing: file[modelBytes...])
        guard block.field(UInt64.self, at: 0) == Self.magic, block.isZero(8..<32) else {
            throw .badSignature(.block)
        }
        key = UnsafeRawBufferPointer(rebasing: block[32..<64])
        let name = UnsafeRawBufferPointer(rebasing: block[64..<128])
        let end = name.firstIndex(of: 0) ?? name.count
        signer = UnsafeRawBufferPointer(rebasing: name[..<end])
        guard end > 0, signer.isText(), name.isZero(end..<name.count) else { throw .badSignature(.name) }
        let signed = modelBytes + Self.byteCount - Int(RB_SIGNATURE_BYTES)
        guard rb_signature_is_right(file.bytes(at: signed), file.baseAddress, signed, key.bytes(at: 0)) else {
            throw .badSignature(.signature)
        }
    }

    /// What stands for the key in a line: its first four bytes.
    public var keyNumber: UInt32 { keyWord(0) }

    public static let keyWords = 8
    /// Four bytes of the key, `number` 0..<keyWords, which are eight hexadecimal digits.
    public func keyWord(_ number: Int) -> UInt32 {
        UInt32(bigEndian: key.loadUnaligned(fromByteOffset: 4 * number, as: UInt32.self))
    }
}

extension UnsafeRawBufferPointer {
    /// For C.
    fileprivate func bytes(at offset: Int) -> UnsafePointer<UInt8> {
        (baseAddress! + offset).assumingMemoryBound(to: UInt8.self)
    }

    fileprivate func isZero(_ range: Range<Int>) -> Bool {
        for index in range where self[index] != 0 {
            return false
        }
        return true
    }

    /// Well-formed UTF-8 without anything that steers terminals, so that names can go to one as they are.
    func isText(allowingNewlines: Bool = false) -> Bool {
        var scalars = UTF8Scalars(self)
        while let element = scalars.next() {
            guard case .scalar(let scalar, _) = element, !scalar.steersTerminals || (allowingNewlines && scalar == "\n")
            else { return false }
        }
        return true
    }
}

#if !hasFeature(Embedded)
    /// What signs model files: a secret of `RB_SEED_BYTES`, and the name under which it signs.
    public struct SigningKey: Sendable {
        public let seed: [UInt8]
        public let signer: String

        /// nil where the secret has another size, or the name is none that a file can hold.
        public init?(seed: [UInt8], signer: String) {
            let isName = Array(signer.utf8).withUnsafeBytes { $0.isText() }
            guard seed.count == RB_SEED_BYTES, isName, (1...ModelSignature.nameBytes).contains(signer.utf8.count) else {
                return nil
            }
            (self.seed, self.signer) = (seed, signer)
        }

        /// `RB_KEY_BYTES`.
        public var publicKey: [UInt8] {
            var key = [UInt8](repeating: 0, count: Int(RB_KEY_BYTES))
            rb_public_key(seed, &key)
            return key
        }

        /// A model's own bytes, which somebody has verified, with what signing adds. The same model and key give the same bytes.
        public func signed(_ model: [UInt8]) -> [UInt8] {
            var file = model
            file.append(contentsOf: [UInt8](repeating: 0, count: 32))
            file.store(ModelSignature.magic, at: model.count)
            let name = Array(signer.utf8)
            file += publicKey + name + [UInt8](repeating: 0, count: ModelSignature.nameBytes - name.count)
            var signature = [UInt8](repeating: 0, count: Int(RB_SIGNATURE_BYTES))
            rb_sign(seed, file, file.count, &signature)
            return file + signature
        }
    }
#endif
