import Foundation

/// The SHA-256 of files' contents one behind the other, as 64 hexadecimal digits.
func sha256(ofFiles paths: [String]) throws -> String {
    var contents: [UInt8] = []
    for path in paths {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure("\(path): cannot be read; check its permissions")
        }
        contents += data
    }
    return hexadecimal(SHA256.digest(of: contents))
}

/// The hash function of FIPS 180-4.
enum SHA256 {
    static func digest(of message: [UInt8]) -> [UInt8] {
        var padded = message + [0x80]
        padded += [UInt8](repeating: 0, count: (120 - padded.count % 64) % 64)
        padded += bytes(of: UInt64(8 * message.count))
        var hash = initialHash
        for start in stride(from: 0, to: padded.count, by: 64) {
            compress(padded[start..<start + 64], into: &hash)
        }
        return hash.flatMap { bytes(of: $0) }
    }

    private static func compress(_ block: ArraySlice<UInt8>, into hash: inout [UInt32]) {
        let schedule = schedule(of: block)
        var (a, b, c, d) = (hash[0], hash[1], hash[2], hash[3])
        var (e, f, g, h) = (hash[4], hash[5], hash[6], hash[7])
        for t in 0..<64 {
            let choice = (e & f) ^ (~e & g)
            let first =
                h &+ (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) &+ choice &+ roundConstants[t] &+ schedule[t]
            let majority = (a & b) ^ (a & c) ^ (b & c)
            let second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) &+ majority
            (h, g, f, e) = (g, f, e, d &+ first)
            (d, c, b, a) = (c, b, a, first &+ second)
        }
        for (index, word) in [a, b, c, d, e, f, g, h].enumerated() {
            hash[index] = hash[index] &+ word
        }
    }

    /// The block's 16 big-endian words, expanded to 64.
    private static func schedule(of block: ArraySlice<UInt8>) -> [UInt32] {
        var words = stride(from: block.startIndex, to: block.endIndex, by: 4).map { start in
            block[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) }
        }
        for t in 16..<64 {
            let (a, b) = (words[t - 15], words[t - 2])
            let first = rotate(a, 7) ^ rotate(a, 18) ^ (a >> 3)
            let second = rotate(b, 17) ^ rotate(b, 19) ^ (b >> 10)
            words.append(words[t - 16] &+ first &+ words[t - 7] &+ second)
        }
        return words
    }

    private static func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 {
        value >> count | value << (32 - count)
    }

    private static func bytes(of value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) }
    }

    /// The first 32 bits of the fractional parts of the square roots of the first 8 primes, and of the cube roots of the
    /// first 64.
    private static let initialHash = primes(8).map { fraction(of: Double($0).squareRoot()) }
    private static let roundConstants = primes(64).map { fraction(of: cbrt(Double($0))) }

    private static func fraction(of value: Double) -> UInt32 {
        UInt32((value - value.rounded(.down)) * 0x1p32)
    }

    private static func primes(_ count: Int) -> [Int] {
        var primes: [Int] = []
        var candidate = 2
        while primes.count < count {
            if primes.allSatisfy({ candidate % $0 != 0 }) {
                primes.append(candidate)
            }
            candidate += 1
        }
        return primes
    }
}
