import ModelFormat
import Text

// One line for each refusal: what is wrong with the file and what to do. The caller has said which file.

extension TextWriter where Sink: ~Copyable {
    public mutating func append(_ error: ModelError) {
        switch error {
        case .tooShort(let bytes):
            append("not a rarebit model: only ")
            append(bytes)
            append(" bytes; is the copy complete?")
        case .notAModel:
            append("not a rarebit model: wrong first bytes; make one with rarebit-convert convert")
        case .unsupportedVersion(let found):
            append("format version ")
            append(found)
            append(" is not the one this program reads (")
            append(Layout.version)
            append("); convert the checkpoint again with the converter of this program's release")
        case .wrongFileSize(let stated, let found):
            append("the file has ")
            append(found)
            append(" bytes but its header says ")
            append(stated)
            append("; copy it again")
        case .wrongChecksum(let stated, let computed):
            append("the file is damaged: checksum ")
            append(hexadecimal: computed)
            append(", stated ")
            append(hexadecimal: stated)
            append("; copy it again")
        case .arenaTooLarge(let bytes):
            append("the model asks for an arena of ")
            append(bytes)
            append(" bytes; at most 2 GiB can be had")
        default:
            appendMalformed(error)
            append("; convert the checkpoint again")
        }
    }

    /// Faults that only a broken or hostile writer makes.
    private mutating func appendMalformed(_ error: ModelError) {
        append("malformed model: ")
        switch error {
        case .badSectionTable(let entry):
            append("entry ")
            append(entry)
            append(" of the section table")
        case .sectionOutOfBounds(let kind):
            append("section ")
            append(kind.name)
            append(" out of bounds")
        case .sectionMissing(let kind):
            append("section ")
            append(kind.name)
            append(" missing")
        case .wrongSectionSize(let kind):
            append("section ")
            append(kind.name)
            append(" of the wrong size")
        case .badInput(let field):
            append("input description, ")
            append(field.name)
        case .badOperation(let index, let field):
            append("operation ")
            append(index)
            append(", ")
            append(field.name)
        case .badHead(let field):
            append("head, ")
            append(field.name)
        case .badName(let kind, let index):
            append("text ")
            append(index)
            append(" of section ")
            append(kind.name)
        case .tooShort, .notAModel, .unsupportedVersion, .wrongFileSize, .wrongChecksum, .arenaTooLarge:
            append("header")
        }
    }

    public mutating func append(_ error: InferenceError) {
        switch error {
        case .noUsablePath:
            append("the model states no packed size for any instruction set of this processor; convert it again")
        case .pathNotAvailable(let path):
            append("this processor cannot execute the ")
            append(cString: path.name)
            append(" kernels; leave the choice to the program")
        case .packedSizeDiffers(let path, let stated, let needed):
            append("packed weights for ")
            append(cString: path.name)
            append(" need ")
            append(needed)
            append(" bytes but the model states ")
            append(stated)
            append("; convert it again with the converter of this program's release")
        case .arenaTooSmall(let needed, let given):
            append("the model needs an arena of ")
            append(needed)
            append(" bytes and was given ")
            append(given)
        case .arenaTooLarge(let needed):
            append("the model needs an arena of ")
            append(needed)
            append(" bytes with this many threads, and ")
            append(Layout.maximumBytes)
            append(" is the most; use fewer threads")
        case .arenaMisaligned:
            append("the arena must start at a multiple of 64 bytes")
        }
    }
}

extension ModelError.Field {
    var name: StaticString {
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
        case .scratch: "scratch area out of bounds"
        case .scratchSize: "less scratch memory stated than its kernels need"
        case .weights: "weights out of bounds"
        case .parameters: "parameters out of bounds"
        case .multiplier: "multiplier out of range"
        case .accumulator: "weights and bias could overflow the accumulator"
        case .channelOrder: "unknown channel order"
        case .resize: "resize out of range"
        case .normalisation: "mean or standard deviation out of range"
        case .classes: "class count out of range"
        case .dimensions: "dimensions not divisible by heads"
        case .featureNorm: "unknown feature norm"
        case .flags: "unknown flags"
        case .alpha: "alpha, tau or gamma not finite"
        case .numbers: "numbers not finite"
        case .memory: "memory out of bounds"
        }
    }
}

#if !hasFeature(Embedded)
    extension ModelError: CustomStringConvertible {
        public var description: String {
            var writer = TextWriter(MemorySink())
            writer.append(self)
            return writer.finish().text
        }
    }

    extension InferenceError: CustomStringConvertible {
        public var description: String {
            var writer = TextWriter(MemorySink())
            writer.append(self)
            return writer.finish().text
        }
    }
#endif
