/// Why a file is not a model this program can run. The associated values are what a person needs to find the fault.
public enum ModelError: Error, Equatable, Sendable {
    /// Shorter than a header.
    case tooShort(bytes: Int)
    case notAModel
    case unsupportedVersion(found: UInt32)
    /// The header states a file size that is not the number of bytes at hand.
    case wrongFileSize(stated: UInt64, found: Int)
    case wrongChecksum(stated: UInt32, computed: UInt32)
    case badSignature(SignaturePart)
    /// Only signed models are taken, and this is none.
    case unsigned
    /// Signed with a key that is none of the trusted ones; its first four bytes.
    case untrusted(key: UInt32)
    /// The section table itself: too many entries, past the end, an unknown or repeated kind.
    case badSectionTable(entry: Int)
    /// A section that is unaligned, out of order or out of the file.
    case sectionOutOfBounds(SectionKind)
    case sectionMissing(SectionKind)
    case wrongSectionSize(SectionKind)
    /// The arena is larger than a file may ask for.
    case arenaTooLarge(bytes: UInt64)
    case badInput(Field)
    case badOperation(index: Int, Field)
    case badHead(Field)
    case badJudging(Field)
    /// A name that is empty, out of bounds, not UTF-8 or has control characters.
    case badName(SectionKind, index: Int)

    /// What is wrong with the signature behind a model.
    public enum SignaturePart: Sendable {
        /// It is none.
        case block
        case name
        /// The key's owner did not sign these bytes.
        case signature
    }

    /// The part of a record that is out of its range.
    public enum Field: Sendable {
        case kind, groups, kernel, stride, dilation, padding, clamp
        case input, output, residual, overlap, scratch, scratchSize
        case weights, parameters, multiplier, accumulator, steps, taps, table
        case channelOrder, resize, normalisation
        case classes, dimensions, featureNorm, flags, alpha, numbers, memory, temperature
    }
}
