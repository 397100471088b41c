/// Labelled pictures, loaded one by one.
public struct Dataset: Sendable {
    /// The class of each picture, 0...
    public let labels: [Int]
    /// The files of the pictures; nil where they are in memory.
    public let paths: [String]?
    /// Every file that it is read from; none where nobody said.
    public let files: [String]
    /// What was found beside the pictures and passed over, one line each.
    public let notes: [String]
    /// Which class each folder is, where the pictures stand in folders.
    public let classFolders: ClassFolders?
    private let load: @Sendable (Int) throws(DataError) -> Picture

    public init(
        labels: [Int], paths: [String]? = nil, files: [String] = [], notes: [String] = [],
        classFolders: ClassFolders? = nil, load: @escaping @Sendable (Int) throws(DataError) -> Picture
    ) {
        self.labels = labels
        self.paths = paths
        self.files = files
        self.notes = notes
        self.classFolders = classFolders
        self.load = load
    }

    /// Opens a part of a data set. `classNames` are what somebody named the model's classes, and `classCount` how many there are:
    /// with them `ClassFolders` tells which class a folder is.
    public init(
        _ specification: DataSpecification, part: DataPart, classNames: [String]?, classCount: Int? = nil,
        ignoresEXIF: Bool = false
    ) throws(DataError) {
        switch specification {
        case .fashionMNIST(let folder): self = try openFashionMNIST(folder, part: part)
        case .cifar10(let folder): self = try openCIFAR(folder, part: part, coarseLabels: false)
        case .cifar100(let folder): self = try openCIFAR(folder, part: part, coarseLabels: true)
        case .imageFolders(let folder):
            let count = classCount ?? classNames?.count
            self.init(
                try PictureFiles(inFolder: folder, classNames: classNames, classCount: count), ignoresEXIF: ignoresEXIF)
        case .list(let file, let root):
            self.init(try PictureFiles(listedIn: file, root: root), ignoresEXIF: ignoresEXIF)
        }
    }

    private init(_ files: PictureFiles, ignoresEXIF: Bool) {
        let paths = files.paths
        self.init(
            labels: files.labels, paths: paths, files: paths + (files.list.map { [$0] } ?? []), notes: files.notes,
            classFolders: files.classFolders
        ) { index throws(DataError) in try decodePicture(paths[index], ignoresEXIF: ignoresEXIF) }
    }

    public var count: Int { labels.count }

    public func picture(_ index: Int) throws(DataError) -> Picture {
        try load(index)
    }

    /// The pictures with these indices.
    public func picking(_ indices: [Int]) -> Dataset {
        picking(indices, labels: indices.map { labels[$0] })
    }

    /// The pictures with these indices, and other labels.
    private func picking(_ indices: [Int], labels: [Int]) -> Dataset {
        let load = load
        return Dataset(
            labels: labels, paths: paths.map { paths in indices.map { paths[$0] } }, files: files, notes: notes,
            classFolders: classFolders
        ) { index throws(DataError) in try load(indices[index]) }
    }

    /// The first `counts[c]` pictures of each class c: how a long-tailed training part is cut from a whole one.
    public func thinned(to counts: [Int]) -> Dataset {
        var left = counts
        return picking(
            labels.indices.filter { index in
                guard left.indices.contains(labels[index]), left[labels[index]] > 0 else { return false }
                left[labels[index]] -= 1
                return true
            })
    }

    /// At most `limit` pictures, evenly spread over all.
    public func sample(of limit: Int) -> Dataset {
        let size = min(limit, count)
        return picking((0..<size).map { $0 * count / size })
    }

    /// The pictures of these classes, whose labels become their places in the list.
    public func keeping(classes: [Int]) -> Dataset {
        let places = Dictionary(uniqueKeysWithValues: zip(classes, 0...))
        let indices = labels.indices.filter { places[labels[$0]] != nil }
        return picking(indices, labels: indices.map { places[labels[$0]]! })
    }

    /// The pictures that `thinned(to:)` leaves out.
    public func withoutFirst(_ counts: [Int]) -> Dataset {
        var left = counts
        return picking(
            labels.indices.filter { index in
                guard left.indices.contains(labels[index]), left[labels[index]] > 0 else { return true }
                left[labels[index]] -= 1
                return false
            })
    }

    /// At most `limit` pictures, as evenly over the classes as they allow: one of each class in turn, evenly spread over
    /// each class's own pictures.
    public func balanced(over limit: Int) -> Dataset {
        let classes = Dictionary(grouping: labels.indices) { labels[$0] }.sorted { $0.key < $1.key }.map(\.value)
        var shares = [Int](repeating: 0, count: classes.count)
        var left = min(limit, count)
        while left > 0 {
            for place in classes.indices where left > 0 && shares[place] < classes[place].count {
                shares[place] += 1
                left -= 1
            }
        }
        let indices = zip(classes, shares).flatMap { indices, share in
            (0..<share).map { indices[$0 * indices.count / share] }
        }
        return picking(indices.sorted())
    }
}
