import CheckpointWriter
import Testing

@testable import Checkpoint

/// Whatever happens to a file, reading it ends in values or in an error.
@Suite struct DamageTests {
    private static let root: Item = {
        let storage = Item.storage("0", count: 12)
        return Item.reference(
            features: [
                ("module.conv.weight", .tensor(storage, shape: [3, 4], strides: [1, 3])),
                ("module.bn.weight", .tensor(storage, offset: 8, shape: [4], strides: [1])),
            ],
            classifier: [("weight", .array(littleEndian([1, 2, 3, 4]), shape: [2, 2]))],
            embed: .array([0, 1], code: "b1", order: "|", shape: [2]))
    }()
    private static let storages = [("0", littleEndian((0..<12).map(Float.init)))]
    private static let whole = checkpointZip(root, storages: storages).build()
    /// The same weights in every other form.
    private static let others = [
        legacyFile(root, storages: storages),
        safetensorsFile(
            header: #"{"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[3,4],"data_offsets":[0,48]}}"#,
            data: storages[0].1),
    ]

    /// Reads all there is to read; true where no error came.
    private func reads(_ bytes: [UInt8]) -> Bool {
        do throws(CheckpointError) {
            let checkpoint = try Checkpoint(bytes: bytes)
            _ = try checkpoint.tensorList()
            _ = try checkpoint.referenceState()
            return true
        } catch {
            #expect(!error.description.contains("\n"))
            return false
        }
    }

    @Test func `the whole file is read`() {
        for file in [Self.whole] + Self.others {
            #expect(reads(file))
        }
    }

    @Test func `a file cut anywhere is refused`() {
        for file in [Self.whole] + Self.others {
            for length in file.indices {
                #expect(!reads(Array(file[..<length])), "cut to \(length) bytes")
            }
        }
    }

    @Test func `a file with any one byte changed is read or refused`() {
        var refused = 0
        for offset in Self.whole.indices {
            for change in [0xFF, 0x01, 0x80] as [UInt8] {
                var damaged = Self.whole
                damaged[offset] ^= change
                refused += reads(damaged) ? 0 : 1
            }
        }
        // Weights and padding may change unnoticed, since these files state no checksums; the structure may not.
        #expect(refused > Self.whole.count)
    }

    @Test func `a file of another form with any one byte changed is read or refused`() {
        for file in Self.others {
            for offset in file.indices {
                var damaged = file
                damaged[offset] ^= UInt8(1 + offset % 255)
                _ = reads(damaged)
            }
        }
    }

    @Test func `a pickle with random bytes written over it is read or refused`() throws {
        let archive = try ZipArchive(Self.whole)
        let pickle = try #require(archive.entries["archive/data.pkl"]).range
        var random = SplitMix64(state: 1)
        for _ in 0..<1_000 {
            var damaged = Self.whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // Half of the bytes come from the pickle itself: operations that it uses.
                let source = Int.random(in: pickle, using: &random)
                damaged[Int.random(in: pickle, using: &random)] =
                    Bool.random(using: &random) ? Self.whole[source] : UInt8.random(in: 0...255, using: &random)
            }
            _ = reads(damaged)
        }
    }
}

/// A seeded generator, so that a failure comes back on the next run.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
