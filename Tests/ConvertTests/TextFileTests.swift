import Foundation
import ProgramRunner
import SampleNetworks
import Testing

@testable import rarebit_convert

/// Text files of strangers are read or refused, whatever is in them.
@Suite struct TextFileTests {
    /// Aliases, anchors, tags and several documents among what a configuration says.
    private static let configuration = """
        %YAML 1.1
        ---
        input: &i {size: [8, 8], resize: 9, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]}
        other: *i
        checkpoint_weights: ema
        networks: {classifier: {def_file: CausalNormClassifier, params: {num_head: 2, tau: 16.0, alpha: 1.5, dataset: x}}}
        classifier: !!map {num_head: 2, scale: 16, heads: *i}
        text: |
          - "quoted" 'text' # no comment
        """

    private func readAll(_ path: String) throws {
        let configuration = try Configuration(contentsOf: path)
        _ = try? configuration.inputSize()
        _ = try? (configuration.mean(), configuration.standardDeviation(), configuration.resize())
        _ = try? (configuration.weights(), configuration.alpha(), configuration.adjustment(), configuration.dataset())
        _ = try? (configuration.classifierKind(), configuration.classifierParameters())
        _ = try? configuration.check(classes: 10, dimensions: 64)
    }

    @Test func `a configuration with any bytes changed is read or refused`() throws {
        let folder = try TemporaryFolder()
        let whole = Array(Self.configuration.utf8)
        try readAll(try folder.write(whole, to: "config.yaml"))
        var values = SampleValues(seed: 5)
        let special = Array("*&?:-[]{}|>!%@\"'#, \n\t\0".utf8)
        var refused = 0
        for _ in 0..<1000 {
            var damaged = whole
            for _ in 0..<(1 + Int(values.next(in: 0...4))) {
                let place = Int(values.next(in: 0...Float(damaged.count - 1)))
                damaged[place] = special[Int(values.next(in: 0...Float(special.count - 1)))]
            }
            do { try readAll(try folder.write(damaged, to: "config.yaml")) } catch { refused += 1 }
        }
        #expect((1..<1000).contains(refused))
    }

    @Test func `texts of more than a megabyte are refused after a megabyte, and other bytes than UTF-8 too`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("labels.txt")
        // A gigabyte of zeros, of which the disk holds nothing.
        _ = try folder.write([], to: "labels.txt")
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.truncate(atOffset: 1 << 30)
        try file.close()
        #expect(throws: Failure.self) { try readLines(path) }
        #expect(throws: Failure.self) { try readCounts(path) }
        _ = try folder.write([0x61, 0xFF, 0x0A], to: "labels.txt")
        #expect(throws: Failure.self) { try readLines(path) }
    }

    @Test(arguments: [
        ("a: &x 1\n? *x\n: 2", true), ("a: &x 1\n*x : 2", true), ("a: &x 1\n[*x]: 2", true),
        ("a: &x 1\n{b: *x}: 2", true), ("a: &x {b: 1}\nc: *x\nd: [*x, *x]", false),
        ("a: [1]\n? b\n: 2", false), ("path: '*.jpg'\nb: [x]\nc: 1", false),
    ])
    func `a key that must be walked to be compared is told from others`(text: String, isWalked: Bool) {
        #expect(text.hasYAMLCollectionKeys == isWalked)
    }
}
