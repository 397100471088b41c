import Checkpoint
import FloatGraph
import Foundation
import Yams

/// What a checkpoint's YAML configuration says and the checkpoint itself does not. Every field may be absent; names are
/// the reference's where it has the field. What nobody here asks for is passed over.
struct Configuration {
    /// Unknown fields where only known ones are expected: a misspelt name must not go unnoticed.
    let notes: [String]
    private let path: String
    private let root: Node?

    /// Where the parameters of the classifier may stand.
    private static let parameterPlaces = [
        "networks.classifier.params", "classifier.params", "classifier", "algorithm_opt",
    ]
    private static let parameters = (
        heads: ["num_head", "num_heads", "heads"], tau: ["tau", "scale", "s"], gamma: ["gamma"], power: ["power", "p"],
        alpha: ["alpha"], classes: ["num_classes", "num_labels"], dimensions: ["feat_dim", "feature_dim"],
        effect: ["use_effect"], dataset: ["dataset"], adjust: ["adjust"], strength: ["adjust_strength"]
    )

    /// An empty one.
    init() {
        (notes, path, root) = ([], "", nil)
    }

    init(contentsOf path: String) throws {
        let text = try readText(path)
        guard !text.hasYAMLCollectionKeys else {
            throw Failure("\(path): has an alias or a collection as a key; give plain names as keys")
        }
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw Failure("\(path): is not a YAML configuration; correct it or name another file")
        }
        guard root == nil || root?.mapping != nil else {
            throw Failure("\(path): is not a YAML configuration; correct it or name another file")
        }
        self.path = path
        notes = Self.unknownFields(in: root).map { "\(path): \($0) is not known here and passed over" }
    }

    /// Of the file: paths in it are relative to its folder.
    func file(_ field: String) throws -> String? {
        try text([field], in: [""]).map { name in
            name.hasPrefix("/") ? name : "\(URL(fileURLWithPath: path).deletingLastPathComponent().path)/\(name)"
        }
    }

    /// Which weights of the checkpoint are meant.
    func weights() throws -> WeightKind? {
        guard let name = try text(["checkpoint_weights"], in: [""]) else { return nil }
        guard let kind = WeightKind(rawValue: name) else {
            throw Failure("\(path): checkpoint_weights is \(name); give ema or raw")
        }
        return kind
    }

    // MARK: Input

    /// Height and width, pixels.
    func inputSize() throws -> (height: Int, width: Int)? {
        guard let (field, node) = try find(["size"], in: ["input"]) else { return nil }
        if let side = node.int {
            return (side, side)
        }
        guard let sides = node.sequence, sides.count == 2, let height = sides[0].int, let width = sides[1].int else {
            throw wrongType(field)
        }
        return (height, width)
    }

    func resize() throws -> Int? { try number(["resize"], in: ["input"], \.int) }
    func resizeMode() throws -> ResizeMode? { try choice("resize_mode") }
    func channelOrder() throws -> ChannelOrder? { try choice("channel_order") }
    func ignoresEXIF() throws -> Bool? { try number(["ignore_exif"], in: ["input"], \.bool) }
    func mean() throws -> SIMD3<Float>? { try channels("mean") }
    func standardDeviation() throws -> SIMD3<Float>? { try channels("std") }

    private func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String) throws -> Choice? {
        guard let text = try text([name], in: ["input"]) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure("\(path): input.\(name) is \(text); give one of \(known)")
        }
        return choice
    }

    private func channels(_ name: String) throws -> SIMD3<Float>? {
        guard let (field, node) = try find([name], in: ["input"]) else { return nil }
        let numbers = node.sequence?.compactMap(\.float).map(Float.init) ?? []
        guard numbers.count == 3 else { throw wrongType(field) }
        return SIMD3(numbers)
    }

    // MARK: Classifier

    /// The classifier that `def_file` names, such as "./models/CausalNormClassifier.py"; nil where it says nothing known.
    func classifierKind() throws -> ClassifierKind? {
        let places = ["networks.classifier", "classifier"]
        guard let file = try text(["def_file", "name"], in: places) else { return nil }
        let name = file.split(separator: "/").last.map { $0.lowercased() } ?? ""
        return Self.classifierNames.first { name.contains($0.part) }?.kind
    }

    /// Parts of the names that training code gives its classifiers, the longer before those that they contain.
    private static let classifierNames: [(part: String, kind: ClassifierKind)] = [
        ("causal", .causalNorm), ("cosnorm", .capsule), ("capsule", .capsule), ("cosine", .cosine), ("lws", .lws),
        ("weightscal", .lws), ("taunorm", .tauNorm), ("tau_norm", .tauNorm), ("tau-norm", .tauNorm), ("crt", .crt),
        ("ncm", .ncm), ("knn", .ncm), ("ldam", .ldam), ("normedlinear", .ldam), ("dotproduct", .linear),
        ("linear", .linear),
    ]

    func classifierParameters() throws -> ClassifierParameters {
        let names = Self.parameters
        return ClassifierParameters(
            heads: try number(names.heads, \.int), tau: try number(names.tau, \.float).map(Float.init),
            gamma: try number(names.gamma, \.float).map(Float.init),
            power: try number(names.power, \.float).map(Float.init))
    }

    func alpha() throws -> Float? {
        guard let alpha = try number(Self.parameters.alpha, \.float).map(Float.init) else { return nil }
        guard (0...1000).contains(alpha) else {
            throw Failure("\(path): alpha is \(alpha); give a number from 0 to 1000")
        }
        return alpha
    }

    func adjustment() throws -> Adjustment? {
        if let name = try text(Self.parameters.adjust, in: Self.parameterPlaces) {
            guard let adjustment = Adjustment(rawValue: name) else {
                let known = Adjustment.allCases.map(\.rawValue).joined(separator: ", ")
                throw Failure("\(path): adjust is \(name); give one of \(known)")
            }
            return adjustment
        }
        // The reference's switch for TDE at inference.
        return try number(Self.parameters.effect, \.bool) == false ? Adjustment.none : nil
    }

    func adjustmentStrength() throws -> Float? {
        try number(Self.parameters.strength, \.float).map(Float.init)
    }

    /// The data set's name, where the reference's training has it.
    func dataset() throws -> String? {
        try text(Self.parameters.dataset, in: ["networks.classifier.params", "training_opt"])
    }

    /// Throws where the configuration is of another classifier.
    func check(classes: Int, dimensions: Int) throws {
        let places = Self.parameterPlaces + ["training_opt"]
        for (names, found, what) in [
            (Self.parameters.classes, classes, "classes"), (Self.parameters.dimensions, dimensions, "features"),
        ] {
            guard let (field, node) = try find(names, in: places) else { continue }
            guard let stated = node.int else { throw wrongType(field) }
            guard stated == found else {
                throw Failure(
                    "\(path): \(field) is \(stated), but the checkpoint's classifier has \(found) \(what); "
                        + "give the configuration of this checkpoint")
            }
        }
    }

    // MARK: Fields

    private func number<Value>(
        _ names: [String], in places: [String] = parameterPlaces, _ value: (Node) -> Value?
    ) throws -> Value? {
        guard let (field, node) = try find(names, in: places) else { return nil }
        guard let value = value(node) else { throw wrongType(field) }
        return value
    }

    private func text(_ names: [String], in places: [String]) throws -> String? {
        try number(names, in: places) { $0.scalar?.string }
    }

    /// The first of the fields that is there and not null. Throws where two of them say different things.
    private func find(_ names: [String], in places: [String]) throws -> (field: String, node: Node)? {
        var found: (field: String, node: Node)?
        for place in places {
            for name in names {
                guard let node = Self.node(at: place, of: root)?.mapping?[Node(name)], node.null == nil else {
                    continue
                }
                let field = place.isEmpty ? name : "\(place).\(name)"
                guard let first = found else {
                    found = (field, node)
                    continue
                }
                // Of scalars alone: a few lines of aliases make a list of endless length.
                let isSame = first.node.scalar?.string == node.scalar?.string && node.scalar != nil
                guard isSame || first.node.float == node.float && node.float != nil else {
                    throw Failure("\(path): \(first.field) and \(field) differ; keep the right one")
                }
            }
        }
        return found
    }

    private func wrongType(_ field: String) -> Failure {
        Failure("\(path): \(field) has the wrong type; correct it")
    }

    private static func node(at place: String, of root: Node?) -> Node? {
        place.split(separator: ".").reduce(root) { $0?.mapping?[Node(String($1))] }
    }

    private static func unknownFields(in root: Node?) -> [String] {
        let p = parameters
        let known: [String: [String]] = [
            "input": ["size", "resize", "mean", "std", "resize_mode", "channel_order", "ignore_exif"],
            // Beside those that are used: what the reference's training reads and inference has no use for.
            "networks.classifier.params":
                p.heads + p.tau + p.gamma + p.power + p.alpha + p.classes + p.dimensions + p.effect + p.dataset
                + p.adjust
                + p.strength + [
                    "stage1_weights", "log_dir", "test", "margin", "init_std", "bias", "use_fc", "dropout",
                ],
        ]
        return known.sorted { $0.key < $1.key }.flatMap { place, names in
            (node(at: place, of: root)?.mapping?.keys.compactMap(\.string) ?? [])
                .filter { !names.contains($0) }.map { "\(place).\($0)" }
        }
    }
}
