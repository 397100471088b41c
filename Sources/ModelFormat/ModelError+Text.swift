import Text

// One line for each refusal: what is wrong with the file and what to do. The caller has said which file.

extension ModelError: TextConvertible {
    public var text: Message {
        switch self {
        case .tooShort(let bytes): "not a rarebit model: only \(bytes) bytes; is the copy complete?"
        case .notAModel: "not a rarebit model: wrong first bytes; make one with rarebit-convert convert"
        case .unsupportedVersion(let found):
            """
            format version \(found) is none that this program reads (\(Layout.oldestVersion) to \(Layout.version)); convert the checkpoint again \
            with the converter of this program's release
            """
        case .wrongFileSize(let stated, let found):
            "the file has \(found) bytes but its header says \(stated); copy it again"
        case .wrongChecksum(let stated, let computed):
            """
            the file is damaged: checksum \(hexadecimal: computed), stated \(hexadecimal: stated); copy it again
            """
        case .badSignature(.block):
            "the file is longer than its header says, and what follows is no signature; copy it again"
        case .badSignature(.name): malformed("signer's name")
        case .badSignature(.signature):
            "the signature is not of this file, which was changed or damaged after signing; get it from its signer again"
        case .unsigned: "is not signed, and only signed models are trusted here; sign it with rarebit-convert sign"
        case .untrusted(let key):
            """
            is signed with the key \(hexadecimal: key)..., which is none of those trusted here; get one of a trusted \
            signer, or add the signer's public key to the trusted ones
            """
        case .arenaTooLarge(let bytes): "the model asks for an arena of \(bytes) bytes; at most 2 GiB can be had"
        // Faults that only a broken or hostile writer makes.
        case .badSectionTable(let entry): malformed("entry \(entry) of the section table")
        case .sectionOutOfBounds(let kind): malformed("section \(kind.name) out of bounds")
        case .sectionMissing(let kind): malformed("section \(kind.name) missing")
        case .wrongSectionSize(let kind): malformed("section \(kind.name) of the wrong size")
        case .badInput(let field): malformed("input description, \(field.name)")
        case .badOperation(let index, let field): malformed("operation \(index), \(field.name)")
        case .badHead(let field): malformed("head, \(field.name)")
        case .badJudging(let field): malformed("judging, \(field.name)")
        case .badName(let kind, let index): malformed("text \(index) of section \(kind.name)")
        }
    }

    private func malformed(_ fault: Message) -> Message {
        "malformed model: \(fault); convert the checkpoint again"
    }
}

extension TrustedKeysError: TextConvertible {
    public var text: Message {
        switch self {
        case .noKey: "holds no key; rarebit-convert keygen makes one"
        case .noKeyInLine(let line):
            """
            line \(line) is no key; a line is 'ed25519', 64 hexadecimal digits and a name, as rarebit-convert keygen \
            writes it
            """
        case .tooMany:
            "holds more keys than the \(TrustedKeys.maximumCount) that can be had; remove those that are not needed"
        }
    }
}

extension ModelError.Field {
    /// What is wrong with it.
    public var name: StaticString {
        switch self {
        case .kind: "unknown kind"
        case .groups: "groups do not divide the channels"
        case .kernel: "kernel size out of range"
        case .stride: "stride out of range"
        case .dilation: "dilation out of range"
        case .padding: "padding out of range"
        case .clamp: "output clamp out of range"
        case .input: "input tensor out of bounds"
        case .output: "output tensor out of bounds"
        case .residual: "residual tensor out of bounds"
        case .overlap: "output tensor over one that is still read"
        case .scratch: "scratch area out of bounds"
        case .scratchSize: "less scratch memory stated than its kernels need"
        case .weights: "weights out of bounds"
        case .parameters: "parameters out of bounds"
        case .multiplier: "multiplier out of range"
        case .accumulator: "weights and bias could overflow the accumulator"
        case .steps: "steps lead out of the tensors"
        case .taps: "taps outside the input"
        case .table: "exponentials out of range"
        case .channelOrder: "unknown channel order"
        case .resize: "resize out of range"
        case .normalisation: "mean or standard deviation out of range"
        case .classes: "class count or number out of range"
        case .dimensions: "dimensions not divisible by heads"
        case .featureNorm: "unknown feature norm"
        case .flags: "unknown flags"
        case .alpha: "alpha, tau or gamma not finite or out of order"
        case .numbers: "numbers not finite"
        case .memory: "memory out of bounds"
        case .temperature: "temperature out of range"
        }
    }
}

#if !hasFeature(Embedded)
    extension ModelError: CustomStringConvertible {
        public var description: String { String(text) }
    }
#endif
