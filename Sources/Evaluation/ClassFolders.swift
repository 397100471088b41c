/// Which class each folder of a data set is: the one rule for calibration, evaluation and, in Tools/training, training.
///
/// By the names of the classes, where there are any and the folders are not all numbers; by number, where all are; else the
/// classes are the folders in the order of their names, by their UTF-8 bytes. Folders whose name begins with a dot are no
/// classes.
public struct ClassFolders: Equatable, Sendable {
    public enum Rule: String, Sendable {
        case names = "their names"
        case numbers = "their numbers"
        case order = "the order of their names"
    }

    public let rule: Rule
    /// In the order of the folders' names.
    public let folders: [String]
    /// Of each folder.
    public let labels: [Int]

    /// `names` are the folders in `root`. `classNames` is nil where nobody gave the classes names. `classCount` is nil where the
    /// number of classes is not known, or it does not matter which is which.
    init(_ names: [String], in root: String, classNames: [String]?, classCount: Int?) throws(DataError) {
        let folders = names.filter { !$0.hasPrefix(".") }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        self.folders = folders
        let numbers = folders.compactMap { $0.utf8.allSatisfy { (48...57).contains($0) } ? Int($0) : nil }
        let areNames = classNames.map { names in folders.allSatisfy(names.contains) } ?? false
        if let classNames, areNames || numbers.count < folders.count {
            rule = .names
            var labels: [Int] = []
            for folder in folders {
                let matches = classNames.indices.filter { classNames[$0] == folder }
                guard matches.count == 1 else {
                    throw .unknownClassFolder(
                        path: "\(root)/\(folder)",
                        reason: matches.isEmpty
                            ? "is named like no class" : "is the name of classes \(matches[0]) and \(matches[1])")
                }
                labels.append(matches[0])
            }
            self.labels = labels
        } else if numbers.count == folders.count {
            rule = .numbers
            for (place, number) in numbers.enumerated() {
                if let classCount, number >= classCount {
                    throw .unknownClassFolder(
                        path: "\(root)/\(folders[place])", reason: "is no class number from 0 to \(classCount - 1)")
                }
                if let twin = numbers[..<place].firstIndex(of: number) {
                    throw .unknownClassFolder(
                        path: "\(root)/\(folders[place])", reason: "is the same number as \(folders[twin])")
                }
            }
            labels = numbers
        } else {
            rule = .order
            if let classCount, folders.count > classCount {
                throw .unknownClassFolder(
                    path: "\(root)/\(folders[classCount])", reason: "is one folder more than the \(classCount) classes")
            }
            if let classCount, folders.count < classCount {
                throw .tooFewClassFolders(path: root, folders: folders.count, classes: classCount)
            }
            labels = Array(folders.indices)
        }
    }

    /// "10 folders are classes by their names: apple is 2, banana 8, ..."
    public var text: String {
        guard rule != .numbers else { return "\(folders.count) folders are classes by \(rule.rawValue)" }
        let shown = 6
        let pairs = zip(folders, labels).prefix(shown).enumerated().map { place, pair in
            "\(pair.0) \(place == 0 ? "is " : "")\(pair.1)"
        }
        return "\(folders.count) folders are classes by \(rule.rawValue): \(pairs.joined(separator: ", "))"
            + (folders.count > shown ? ", ..." : "")
    }
}
