import Evaluation
import Quantization

/// What is known of the classes: of all that the checkpoint has, and of those that are kept.
struct Classes {
    /// The kept classes, by their numbers in the checkpoint, in the model's order; nil: all.
    let subset: [Int]?
    /// Of the checkpoint.
    let allNames: [String]
    /// Whether somebody gave the classes names; else they are numbered.
    private let areNamed: Bool
    private let allCounts: [Int]
    private let allPriors: [Double]?

    /// For a checkpoint of `count` classes. Options win over the configuration.
    init(count: Int, options: NetworkOptions, configuration: Configuration) throws {
        let namesFile = try options.classes.labels ?? configuration.file("class_names")
        areNamed = namesFile != nil
        allNames = try namesFile.map(readNames) ?? numberedClassNames(count)
        try check(allNames.count, classes: count, file: namesFile ?? "")
        let countsFile = try options.classes.classCounts ?? configuration.file("class_counts")
        allCounts = try countsFile.map(readCounts) ?? []
        if let countsFile {
            try check(allCounts.count, classes: count, file: countsFile)
        }
        let priorFile = try options.adjustment.targetPrior ?? configuration.file("target_prior")
        allPriors = try priorFile.map(readPrior)
        if let priorFile {
            try check(allPriors?.count ?? 0, classes: count, file: priorFile)
        }
        let subsetFile = try options.classes.classSubset ?? configuration.file("class_subset")
        subset = try subsetFile.map { [allNames] file in try classSubset(readLines(file), of: allNames, file: file) }
    }

    var names: [String] { kept(allNames) }
    /// Training images of each class; empty where unknown.
    var counts: [Int] { allCounts.isEmpty ? [] : kept(allCounts) }
    var targetPrior: [Double]? { allPriors.map(kept) }

    /// A part of a data set, labelled as the checkpoint numbers its classes. `mattersWhich`: which class a picture is of.
    func dataset(
        _ specification: DataSpecification, _ text: String, part: DataPart, ignoresEXIF: Bool, mattersWhich: Bool = true
    ) throws -> Dataset {
        let needsCount = mattersWhich || !allCounts.isEmpty || subset != nil
        let data = try inFile(text) {
            try Dataset(
                specification, part: part, classNames: areNamed ? allNames : nil,
                classCount: needsCount ? allNames.count : nil, ignoresEXIF: ignoresEXIF)
        }
        try data.files.forEach(checkInput)
        data.notes.forEach(note)
        return data
    }

    /// What the network was trained with, of a data set with all its images: no more of each class than it has counts.
    func trainingPart(of data: Dataset) -> Dataset {
        allCounts.isEmpty ? data : data.thinned(to: allCounts)
    }

    /// Training images per class of the checkpoint; empty where unknown.
    var countsOfAll: [Int] { allCounts }

    /// The images of the kept classes, labelled as the model numbers them. `text` names the data set.
    func restricting(_ data: Dataset, _ text: String) throws -> Dataset {
        guard let subset else { return data }
        let kept = data.keeping(classes: subset)
        guard kept.count > 0 else {
            throw Failure("\(text): holds no images of the classes that are kept; name another")
        }
        return kept
    }

    private func kept<Value>(_ all: [Value]) -> [Value] {
        subset.map { $0.map { all[$0] } } ?? all
    }
}

/// What classes are called that nobody named.
func numberedClassNames(_ count: Int) -> [String] {
    (0..<count).map { "class \($0)" }
}

/// The pictures of a data set that can be used; says which cannot. `text` names the data set.
func usable(_ data: Dataset, for input: ModelInput, _ text: String) throws -> Dataset {
    let bar = ProgressBar("reading pictures")
    defer { bar.finish() }
    let readable = try inFile(text) { try data.readable(for: input, text, progress: bar.update) }
    for line in readable.notes {
        note("\(text): \(line)")
    }
    return readable.dataset
}

/// The numbers of classes that lines name: each is a class's name, or else its number.
func classSubset(_ lines: [String], of names: [String], file: String) throws -> [Int] {
    guard !lines.isEmpty else { throw Failure("\(file): names no class; give one name or number a line") }
    var lineOfClass: [Int: Int] = [:]
    return try lines.enumerated().map { place, line in
        let matches = names.indices.filter { names[$0] == line }
        guard matches.count <= 1 else {
            let numbers = matches.map(String.init).joined(separator: ", ")
            throw Failure("\(file): line \(place + 1): classes \(numbers) are all named \(line); give the number")
        }
        guard let index = matches.first ?? Int(line), names.indices.contains(index) else {
            throw Failure(
                "\(file): line \(place + 1) is neither a class's name nor a number from 0 to \(names.count - 1); correct it"
            )
        }
        if let earlier = lineOfClass.updateValue(place + 1, forKey: index) {
            throw Failure("\(file): line \(place + 1) names class \(index), as line \(earlier) does; remove one")
        }
        return index
    }
}

private func check(_ lines: Int, classes: Int, file: String) throws {
    guard lines == classes else {
        throw Failure("\(file): has \(lines) lines, but the classifier has \(classes) classes; give one line a class")
    }
}
