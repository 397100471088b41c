import Checkpoint
import FloatGraph
import Foundation
import ProgramRunner
import SampleNetworks
import Testing

/// What a user asks of the classifier that cannot be had. Files that the options name are written first.
private struct BadRequest: CustomTestStringConvertible, Sendable {
    let options: [String]
    let status: Int32
    /// What the line says after the program's name; DIR stands for the folder.
    let complaint: String
    var state: @Sendable () -> ReferenceState = linearState
    var configuration = ""

    var testDescription: String { complaint }

    init(
        _ options: [String], _ status: Int32, _ complaint: String,
        state: @escaping @Sendable () -> ReferenceState = linearState, configuration: String = ""
    ) {
        (self.options, self.status, self.complaint) = (options, status, complaint)
        (self.state, self.configuration) = (state, configuration)
    }
}

private let badRequests = [
    // The classifier.
    BadRequest(["--heads", "3"], 1, "DIR/checkpoint.pth: num_head 3 does not divide the 128 features"),
    BadRequest(["--heads", "0"], 2, "The value '0' is invalid for '--heads <k>': give a whole number above 0"),
    BadRequest(["--classifier", "cosine", "--tau", "inf"], 2, "The value 'inf' is invalid for '--tau <tau>'"),
    BadRequest(["--classifier", "cosine", "--tau", "0"], 2, "The value '0' is invalid for '--tau <tau>'"),
    BadRequest(["--classifier", "causal-norm", "--gamma", "-1"], 2, "The value '-1' is invalid for '--gamma <gamma>'"),
    BadRequest(["--classifier", "tau-norm", "--power", "nan"], 2, "The value 'nan' is invalid for '--power <p>'"),
    BadRequest(["--classifier", "perceptron"], 2, "The value 'perceptron' is invalid for '--classifier <classifier>'"),
    BadRequest(["--gamma", "0.5"], 2, "--gamma is no parameter of the classifier linear; leave it out"),
    BadRequest(
        ["--classifier", "lws"], 1, "DIR/checkpoint.pth: tensor classifier.fc.scales, expected with shape [10]"),
    BadRequest(
        ["--classifier", "tau-norm", "--power", "-1e9"], 1, "DIR/checkpoint.pth: the classifier's numbers are not"),
    BadRequest(["--classifier", "ncm"], 2, "the classifier ncm needs the means of the classes; give --class-means"),
    BadRequest(["--class-means", "DIR/means.pth"], 2, "--class-means is for the classifier ncm, not for linear"),
    BadRequest(["--classifier", "ncm", "--class-means", "DIR/absent"], 1, "DIR/absent: no such file"),
    BadRequest(
        ["--classifier", "ncm", "--class-means", "DIR/half.pth"], 1,
        "DIR/half.pth: must hold the tensors mean and means"),
    BadRequest(
        ["--classifier", "ncm", "--class-means", "DIR/narrow.pth"], 1,
        "DIR/narrow.pth: tensor class means: centre has shape [64], expected [128]"),
    BadRequest(
        [], 1, "DIR/checkpoint.pth: tensor embed has shape [64], expected [128]",
        state: {
            var state = sampleState()
            state.direction = [Float](repeating: 1, count: 64)
            return state
        }),
    BadRequest(
        [], 1, "DIR/checkpoint.pth: tensor embed holds nan at index 3",
        state: {
            var state = sampleState()
            state.direction![3] = .nan
            return state
        }),
    // The adjustment.
    BadRequest(["--adjust", "magic"], 2, "The value 'magic' is invalid for '--adjust <adjust>'"),
    BadRequest(["--adjust", "logit-adjustment"], 2, "logit-adjustment needs the training images of each class"),
    BadRequest(
        ["--adjust", "logit-adjustment", "--class-counts", "DIR/zero.txt"], 1,
        "DIR/checkpoint.pth: class 9 has no training images"),
    BadRequest(
        ["--adjust", "logit-adjustment", "--class-counts", "DIR/counts.txt", "--adjust-strength", "inf"], 2,
        "The value 'inf' is invalid for '--adjust-strength <t>': give a number"),
    BadRequest(
        ["--adjust", "logit-adjustment", "--class-counts", "DIR/counts.txt", "--target-prior", "DIR/zero.txt"], 1,
        "DIR/checkpoint.pth: class 9 has the target prior 0.0"),
    BadRequest(
        ["--adjust", "logit-adjustment", "--class-counts", "DIR/counts.txt", "--target-prior", "DIR/names.txt"], 1,
        "DIR/names.txt: line 1 is not a number from 0 up"),
    BadRequest(
        ["--adjust", "logit-adjustment", "--class-counts", "DIR/counts.txt", "--target-prior", "DIR/two.txt"], 1,
        "DIR/two.txt: has 2 lines, but the classifier has 10 classes"),
    BadRequest(["--target-prior", "DIR/zero.txt"], 2, "--target-prior is for --adjust logit-adjustment"),
    BadRequest(["--adjust-strength", "2"], 2, "--adjust-strength is for logit-adjustment and tau-norm, not for none"),
    BadRequest(
        ["--adjust", "tau-norm"], 2,
        "tau-norm is for linear classifiers, and the norms of causal-norm are fixed already",
        state: { sampleState() }),
    BadRequest(
        ["--adjust", "none", "--alpha", "2"], 2,
        "--alpha 2 is the strength of --adjust tde, not of none; leave one out",
        state: { sampleState() }),
    BadRequest(["--estimate-direction", "mnist"], 2, "mnist: is no data set"),
    BadRequest(["--estimate-direction", "cifar10:DIR/absent"], 1, "DIR/absent/data_batch_1.bin: no such file"),
    BadRequest(
        ["--estimate-direction", "cifar10:DIR", "--class-counts", "DIR/none.txt"], 1, "cifar10:DIR: holds no images"),
    // The classes.
    BadRequest(["--labels", "DIR/two.txt"], 1, "DIR/two.txt: has 2 lines, but the classifier has 10 classes"),
    BadRequest(["--class-counts", "DIR/two.txt"], 1, "DIR/two.txt: has 2 lines, but the classifier has 10 classes"),
    BadRequest(["--class-subset", "DIR/empty.txt"], 1, "DIR/empty.txt: names no class"),
    BadRequest(
        ["--class-subset", "DIR/names.txt"], 1,
        "DIR/names.txt: line 1 is neither a class's name nor a number from 0 to 9"),
    BadRequest(
        ["--class-subset", "DIR/twice.txt"], 1, "DIR/twice.txt: line 2 names class 3, as line 1 does; remove one"),
    BadRequest(["--class-subset", "DIR/absent.txt"], 1, "DIR/absent.txt: no such file"),
    // The configuration.
    BadRequest(
        [], 1, "DIR/config.yaml: networks.classifier.params.num_classes is 100, but the checkpoint's classifier has 10",
        configuration: "networks: {classifier: {params: {num_classes: 100}}}"),
    BadRequest(
        [], 1, "DIR/config.yaml: training_opt.feature_dim is 64, but the checkpoint's classifier has 128 features",
        configuration: "training_opt: {feature_dim: 64}"),
    BadRequest(
        [], 1, "DIR/config.yaml: networks.classifier.params.tau and algorithm_opt.tau differ; keep the right one",
        configuration: "networks: {classifier: {params: {tau: 16}}}\nalgorithm_opt: {tau: 8}"),
    BadRequest(
        [], 1, "DIR/config.yaml: networks.classifier.params.num_head has the wrong type",
        configuration: "networks: {classifier: {params: {num_head: two}}}"),
    BadRequest(
        [], 1, "DIR/config.yaml: networks.classifier.params.alpha has the wrong type",
        configuration: "networks: {classifier: {params: {alpha: [1]}}}"),
    BadRequest(
        [], 1, "DIR/config.yaml: alpha is -1.0; give a number from 0 to 1000",
        configuration: "networks: {classifier: {params: {alpha: -1}}}"),
    BadRequest(
        [], 1, "DIR/config.yaml: adjust is magic; give one of tde, logit-adjustment, tau-norm, none",
        configuration: "networks: {classifier: {params: {adjust: magic}}}"),
    BadRequest(
        ["--classifier", "cosine"], 1, "DIR/checkpoint.pth: the classifier's tau is nan",
        configuration: "networks: {classifier: {params: {tau: .nan}}}"),
    BadRequest(
        ["--classifier", "causal-norm"], 1, "DIR/checkpoint.pth: the classifier's gamma is -0.5",
        configuration: "networks: {classifier: {params: {gamma: -0.5}}}"),
]

@Suite struct AClassifierThatCannotBeHad {
    @Test("is refused in one line and nothing is written", arguments: badRequests)
    private func isRefused(bad: BadRequest) throws {
        let place = try Workplace.plain(bad.state(), configuration: bad.configuration)
        for (name, text) in [
            ("zero.txt", "9\n8\n7\n6\n5\n4\n3\n2\n1\n0\n"), ("none.txt", String(repeating: "0\n", count: 10)),
            ("two.txt", "1\n2\n"), ("empty.txt", ""), ("twice.txt", "3\nclass 3\n"),
        ] {
            _ = try place.write(text, to: name)
        }
        _ = try place.folder.write(classMeansFile(), to: "means.pth")
        _ = try place.folder.write(classMeansFile(dimensions: 64), to: "narrow.pth")
        _ = try place.folder.write(classMeansFile(omitting: "means"), to: "half.pth")
        let before = try place.contents()
        let folder = place.folder.url.path
        let result = try place.convert(bad.options.map { $0.replacingOccurrences(of: "DIR", with: folder) })
        #expect(result.status == bad.status)
        let line = try #require(result.errorLine)
        let complaint = bad.complaint.replacingOccurrences(of: "DIR", with: folder)
        #expect(line.hasPrefix("rarebit-convert: \(complaint)"))
        #expect(result.output == "")
        #expect(try place.contents() == before)
    }
}
