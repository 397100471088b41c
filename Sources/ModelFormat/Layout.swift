// The .rbit file, format version 5. One little-endian file, usable straight from mmap:
//
//   offset 0    magic, 8 bytes: "RBIT" CR LF SUB LF (a transfer in text mode changes it)
//          8    format version                                  u32
//         12    section count                                   u32
//         16    file size in bytes                              u64
//         24    CRC-32 of the file, these 4 bytes taken as zero u32
//         28    reserved, zero                                  u32
//         32    activation and scratch arena, bytes             u64
//         40    packed weights of execution path 0...15, bytes  u64 x 16; all ones: not stated
//        168    reserved, zero                                  24 bytes
//        192    section table: kind u32, reserved u32, offset u64, size u64
//   sections in the order of their offsets, each 64-byte aligned, the gaps zero
//   behind the file size that is stated here, a signature may stand: see ModelSignature
//
// A reader accepts the versions from `oldestVersion` on, which say what they have as this one does. A change to anything here or
// to a record bumps the version; a writer states the oldest that has all it writes.
//
//   version  change
//   1        the first
//   2        head: a centre that is taken off the features, and memory for the logits without adjustment;
//            operations: look-up table, product, average pooling into bytes
//   3        input: how a picture of another shape is fitted, by cropping, squashing or padding
//   4        operations: constant, rearrangement, resampling, softmax, layer and L2 normalisation, matrix product
//   5        judging: exempted classes, and temperatures by alpha

/// Sizes and constants of the file; see the table at the top of this file.
public enum Layout {
    public static let magic: UInt64 = 0x0A1A_0A0D_5449_4252  // "RBIT\r\n\x1a\n", little-endian
    public static let version: UInt32 = 5
    /// The oldest that is read.
    public static let oldestVersion: UInt32 = 4
    public static let headerBytes = 192
    public static let sectionEntryBytes = 24
    public static let maximumSections: UInt32 = 16
    public static let alignment = 64
    /// Slots for the packed sizes of execution paths; the slot is the path's number in kernels.h.
    public static let pathSlots = 16
    /// The value of a path's slot whose size the file does not state: a runtime must not take that path.
    public static let packedBytesNotStated = UInt64.max
    /// Files and arenas stay below 2 GiB, so that every offset fits a 32-bit Int.
    public static let maximumBytes: UInt64 = (1 << 31) - 1

    static let versionOffset = 8
    static let sectionCountOffset = 12
    static let fileBytesOffset = 16
    static let checksumOffset = 24
    static let activationBytesOffset = 32
    static let packedBytesOffset = 40
}

/// The kinds of section, numbered from 1 without gaps. All are required except `classCounts` and `judging`.
public enum SectionKind: UInt32, Sendable {
    /// One `InputRecord`.
    case input = 1
    /// `OperationRecord`s in the order of execution.
    case plan = 2
    /// int8 weights of the convolutions, each `[output channel][ky][kx][input channel of the group]`, 256 bytes for each
    /// look-up table, and the bytes of constants, in the order of the plan.
    case weights = 3
    /// For each convolution: int32 bias per output channel, then float32 multiplier per output channel. What other
    /// operations keep here stands in docs/format.md.
    case parameters = 4
    /// One `HeadRecord`, then float32: rows `[classes][dimensions]`, bias `[classes]` if any, centre `[dimensions]` if any,
    /// and if there are directions: directions `[dimensions]`, direction terms `[classes][heads]`.
    case head = 5
    /// A string table with one name a class.
    case classNames = 6
    /// A string table with one name an operation.
    case operationNames = 7
    /// u32 training images per class.
    case classCounts = 8
    /// UTF-8 text, one "key: value" a line: where the model comes from.
    case provenance = 9
    /// u32 numbers of exempted classes and of temperatures, then the exempted classes as u32, ascending, then for each temperature
    /// float32 alpha, from 0 on and rising, and float32 temperature.
    case judging = 10

    var isOptional: Bool { self == .classCounts || self == .judging }
}

#if !hasFeature(Embedded)
    // A list of all cases is an array, for which the device has no memory.
    extension SectionKind: CaseIterable {}
#endif
