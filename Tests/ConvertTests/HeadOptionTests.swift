import Checkpoint
import CheckpointWriter
import Evaluation
import FloatGraph
import Foundation
import ProgramRunner
import SampleNetworks
import Testing

@testable import rarebit_convert

/// The sample network with a linear layer for a classifier and no direction, as most checkpoints are.
func linearState() -> ReferenceState {
    var values = SampleValues(seed: 51)
    var state = sampleState()
    state.classifier = ["fc.weight": values.tensor([10, 128]), "fc.bias": values.tensor([10])]
    state.direction = nil
    return state
}

/// A file of class means for the sample network's features.
func classMeansFile(classes: Int = 10, dimensions: Int = 128, omitting: String? = nil) -> [UInt8] {
    var values = SampleValues(seed: 52)
    let tensors = [("mean", [dimensions]), ("means", [classes, dimensions])].filter { $0.0 != omitting }
    let items = tensors.map { name, shape in
        let strides = shape.count == 1 ? [1] : [Int32(dimensions), 1]
        let storage = Item.storage(name, count: Int32(shape.reduce(1, *)))
        return (name, Item.tensor(storage, shape: shape.map(Int32.init), strides: strides))
    }
    let storages = tensors.map { name, shape in (name, littleEndian(values.array(shape.reduce(1, *)))) }
    return checkpointZip(.dictionary(items), storages: storages).build()
}

extension Workplace {
    /// With a checkpoint and a configuration of nothing but the input.
    static func plain(_ state: ReferenceState = linearState(), configuration: String = "") throws -> Workplace {
        let place = try Workplace()
        try place.writeCheckpoint(checkpointBytes(state))
        let input = "input: {size: 8, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]}\n"
        _ = try place.write(input + configuration, to: "config.yaml")
        return place
    }

    func write(_ text: String, to name: String) throws -> String {
        _ = try folder.write(Array(text.utf8), to: name)
        return folder.path(name)
    }

    /// The network that the options make, without converting it.
    func network(_ options: [String] = [], alpha: Float? = nil) throws -> Network {
        try Network(
            checkpoint: checkpoint, options: NetworkOptions.parse(["--config", configuration] + options), alpha: alpha)
    }
}

private let features: [Float] = {
    var values = SampleValues(seed: 53)
    return values.array(128)
}()

@Suite struct AClassifierOption {
    @Test(
        arguments: [
            ([], .linear, "linear"), (["--classifier", "crt"], .crt, "crt"),
            (["--classifier", "tau-norm", "--power", "0.7"], .tauNorm, "tau-norm, power 0.7, bias dropped"),
            (["--classifier", "tau-norm", "--power", "-0.5"], .tauNorm, "tau-norm, power -0.5, bias dropped"),
            (
                ["--classifier", "cosine", "--heads", "4", "--scale", "20"], .cosine,
                "cosine, 4 heads, tau 20, bias dropped"
            ),
        ] as [([String], ClassifierKind, String)])
    func choosesWhatTheTensorsBecome(options: [String], kind: ClassifierKind, words: String) throws {
        let network = try Workplace.plain().network(options)
        #expect(network.model.head.kind == kind)
        #expect(network.head.classifier == words)
        #expect(network.notes == [])
    }

    @Test func takesTheNearestClassMeanFromAFile() throws {
        let place = try Workplace.plain()
        _ = try place.folder.write(classMeansFile(), to: "means.pth")
        let network = try place.network(["--classifier", "ncm", "--class-means", place.folder.path("means.pth")])
        #expect(network.model.head.centre?.count == 128)
        #expect(network.head.classifier == "ncm, tau 1")
        #expect(network.head.alpha == 0)
        #expect(network.head.adjustment.contains("ncm centres its features"))
    }

    @Test(arguments: [
        ("./models/CausalNormClassifier.py", ClassifierKind.causalNorm), ("./models/CosNormClassifier.py", .capsule),
        ("CosineClassifier", .cosine), ("models/TauNormClassifier.py", .tauNorm),
    ])
    func comesFromTheConfigurationToo(file: String, kind: ClassifierKind) throws {
        var state = linearState()
        state.classifier["fc.bias"] = nil
        let place = try Workplace.plain(state, configuration: "networks: {classifier: {def_file: \(file)}}\n")
        #expect(try place.network().model.head.kind == kind)
    }

    @Test func winsOverTheConfigurationAndSaysSo() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        let network = try place.network(["--tau", "8", "--classifier", "cosine"])
        #expect(network.head.classifier == "cosine, 2 heads, tau 8")
        #expect(
            network.notes == [
                "--classifier cosine wins over causal-norm of the configuration",
                "--tau 8.0 wins over 16.0 of the configuration",
            ])
    }
}

@Suite struct AnAdjustment {
    @Test func isTDEWhereTheCheckpointHasADirection() throws {
        let place = try Workplace.plain(sampleState())
        #expect(try place.network().head.adjustment == "TDE, alpha 1, along the checkpoint's direction")
        #expect(try place.network(alpha: 2.5).head.alpha == 2.5)
        #expect(try place.network(["--adjust", "none"]).head.adjustment == "none; alpha is 0")
        #expect(try place.network(["--adjust", "none"]).head.alpha == 0)
    }

    @Test(arguments: [[], ["--adjust", "tde"]])
    func isNoneWithoutADirectionWhateverAlpha(options: [String]) throws {
        let head = try Workplace.plain().network(options, alpha: 2).head
        #expect(head.alpha == 0)
        #expect(
            head.adjustment
                == "none; alpha is 0: the direction of the training features is not known; give --estimate-direction SPEC"
        )
    }

    @Test func byFrequencyShiftsTheLogits() throws {
        let place = try Workplace.plain()
        let plain = try place.network().model.head.logits(of: features, alpha: 0)
        let prior = try place.write((1...10).map(String.init).joined(separator: "\n"), to: "prior.txt")
        let network = try place.network([
            "--adjust", "logit-adjustment", "--adjust-strength", "1.5", "--class-counts",
            place.folder.path("counts.txt"),
            "--target-prior", prior,
        ])
        #expect(network.head.adjustment == "logit-adjustment, strength 1.5; alpha is 0")
        let adjusted = network.model.head.logits(of: features, alpha: 0)
        let counts = network.classes.counts.map(Double.init)
        #expect(counts.count == 10)
        for index in 0..<10 {
            let shift = -1.5 * log(counts[index] / counts.reduce(0, +)) + log(Double(index + 1) / 55)
            #expect(abs(Double(adjusted[index] - plain[index]) - shift) < 1e-4)
        }
    }

    @Test func byNormsDividesTheRows() throws {
        let place = try Workplace.plain()
        let adjusted = try place.network(["--adjust", "tau-norm", "--adjust-strength", "0.6"]).model.head
        let same = try place.network(["--classifier", "tau-norm", "--power", "0.6"]).model.head
        #expect(adjusted.bias == nil)
        #expect(adjusted.rows == same.rows)
    }

    @Test func isReadFromTheConfiguration() throws {
        let params = "networks: {classifier: {params: {adjust: tau-norm, adjust_strength: 2}}}\n"
        let network = try Workplace.plain(configuration: params).network()
        #expect(network.head.adjustment == "tau-norm, strength 2; alpha is 0")
        let off = try Workplace.plain(
            sampleState(), configuration: "networks: {classifier: {params: {use_effect: false, alpha: 3}}}\n")
        #expect(try off.network().head.alpha == 0)
        #expect(try off.network(alpha: 2).head.alpha == 2)
        #expect(try off.network(["--adjust", "tde"]).head.alpha == 3)
    }

    @Test func takesItsDirectionFromTrainingImages() throws {
        let place = try Workplace.plain(linearState())
        // 12 images, of which classes 8 and 9 keep 5 and 1 of theirs: all; class 0 and 1 have two each.
        let network = try place.network(["--estimate-direction", place.data, "--heads", "2"])
        #expect(network.head.adjustment == "TDE, alpha 0, along an estimated direction")
        #expect(network.head.asksForAlpha)
        let strong = try place.network(["--estimate-direction", place.data], alpha: 1)
        #expect(strong.head.alpha == 1 && !strong.head.asksForAlpha)
        let normalizer = PictureNormalizer(network.model.input)
        let data = try Dataset(DataSpecification(place.data), part: .training, classNames: nil)
        let images = try (0..<data.count).map { try #require(normalizer.normalized(data.picture($0))) }
        let graph = network.model.graph
        let vectors = graph.features(of: Activations(shape: graph[graph.input].shape, images: images))
        let mean = (0..<128).map { index in vectors.reduce(Float(0)) { $0 + $1[index] } / Float(vectors.count) }
        let directions = try #require(network.model.head.adjustment).directions
        for head in [0..<64, 64..<128] {
            let norm = mean[head].reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
            for index in head {
                #expect(abs(directions[index] - mean[index] / norm) < 1e-5)
            }
        }
    }

    @Test func leavesOutImagesThatTrainingDidNotHave() throws {
        let place = try Workplace.plain(linearState())
        let all = try place.network(["--estimate-direction", place.data])
        let counts = try place.write("1\n1\n1\n1\n1\n1\n1\n0\n0\n0\n", to: "few.txt")
        let few = try place.network(["--estimate-direction", place.data, "--class-counts", counts])
        #expect(all.model.head.adjustment?.directions != few.model.head.adjustment?.directions)
    }
}

@Suite struct AConfiguration {
    @Test func namesItsDataSetWhereItDoesNotDescribeTheInput() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        _ = try place.write(
            """
            networks:
              classifier:
                def_file: ./models/CausalNormClassifier.py
                params: {dataset: CIFAR10_LT, feat_dim: 128, num_classes: 10, num_head: 2, tau: 16.0, alpha: 1.5,
                  gamma: 0.03125, use_effect: true, stage1_weights: false}
            training_opt: {dataset: CIFAR10_LT, num_classes: 10, feature_dim: 128, batch_size: 512}
            """, to: "config.yaml")
        let network = try place.network()
        #expect(network.model.input.width == 32)
        #expect(network.model.input.mean == SIMD3(0.4914, 0.4822, 0.4465))
        #expect(network.head.adjustment == "TDE, alpha 1.5, along the checkpoint's direction")
        #expect(network.notes == [])
    }

    @Test func mayHaveItsParametersElsewhere() throws {
        let place = try Workplace.plain(
            sampleState(), configuration: "algorithm_opt: {num_head: 4, tau: 10, alpha: 2}\n")
        let network = try place.network()
        #expect(network.head.classifier == "causal-norm, 4 heads, tau 10, gamma 0.03125")
        #expect(network.head.alpha == 2)
    }

    @Test func isReadThoughItHasUnknownFieldsButSaysWhichMatter() throws {
        let place = try Workplace.plain(
            configuration: "whatever: 1\nnetworks: {classifier: {params: {heds: 4}}, feat_model: {x: 1}}\n")
        #expect(
            try place.network().notes == [
                "\(place.configuration): networks.classifier.params.heds is not known here and passed over"
            ])
    }
}

@Suite struct AClassSubset {
    @Test func isEverywhereInItsOwnOrder() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        let subset = try place.write("name 7\n2\nname 0\n\n", to: "subset.txt")
        let whole = try place.network()
        let network = try place.network(["--class-subset", subset])
        #expect(network.classes.subset == [7, 2, 0])
        #expect(network.classes.names == ["name 7", "name 2", "name 0"])
        #expect(network.classes.counts == [19, 200, 500])
        let logits = whole.model.head.logits(of: features, alpha: 1)
        #expect(network.model.head.logits(of: features, alpha: 1) == [logits[7], logits[2], logits[0]])

        #expect(try place.convert(["--class-subset", subset, "--adjust", "logit-adjustment"]).status == 0)
        let inspected = try runProgram("rarebit-convert", ["inspect", place.model]).output
        #expect(inspected.contains("classes     3, with their training images\n  name 7 (19)\n  name 2 (200)\n"))
        #expect(inspected.contains("  classifier: causal-norm, 2 heads, tau 16, gamma 0.03125, 3 of 10 classes\n"))
        #expect(inspected.contains("  adjustment: logit-adjustment, strength 1; alpha is 0\n"))
        let evaluated = try runProgram(
            "rarebit-convert",
            [
                "evaluate", place.model, "--against", place.checkpoint, "--config", place.configuration, "--data",
                place.data, "--class-subset", subset, "--adjust", "logit-adjustment",
            ])
        #expect(evaluated.status == 0)
        // The 12 images have the labels 0 to 9, 0 and 1.
        #expect(evaluated.output.contains("on 4 images"))
    }

    @Test func mayUseNumbersAsNames() throws {
        #expect(try classSubset(["2", "5"], of: ["5", "1", "2"], file: "f") == [2, 0])
    }

    @Test(
        arguments: [
            ([], "f: names no class"),
            (["cat", "bat"], "f: line 2 is neither a class's name nor a number from 0 to 3"),
            (["4"], "f: line 1 is neither"), (["-1"], "f: line 1 is neither"), (["", "cat"], "f: line 1 is neither"),
            (["cat", "1", "0"], "f: line 3 names class 0, as line 1 does"),
            (["crane"], "f: line 1: classes 2, 3 are all named crane; give the number"),
        ] as [([String], String)])
    func isRefused(lines: [String], complaint: String) {
        let error = #expect(throws: Failure.self) {
            try classSubset(lines, of: ["cat", "dog", "crane", "crane"], file: "f")
        }
        #expect(error?.message.hasPrefix(complaint) == true)
    }
}
