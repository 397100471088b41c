/// Labelled pictures, loaded one by one.
public struct Dataset: Sendable {
    /// The class of each picture, 0...
    public let labels: [Int]
    private let load: @Sendable (Int) throws(DataError) -> Picture

    public init(labels: [Int], load: @escaping @Sendable (Int) throws(DataError) -> Picture) {
        self.labels = labels
        self.load = load
    }

    /// Opens a part of a data set. `classNames` are the model's, to find the classes of folders by their names; without
    /// them folders are numbered in the order of their names.
    public init(_ specification: DataSpecification, part: DataPart, classNames: [String]?) throws(DataError) {
        switch specification {
        case .fashionMNIST(let folder): self = try openFashionMNIST(folder, part: part)
        case .cifar10(let folder): self = try openCIFAR(folder, part: part, coarseLabels: false)
        case .cifar100(let folder): self = try openCIFAR(folder, part: part, coarseLabels: true)
        case .imageFolders(let folder): self = try openImageFolders(folder, classNames: classNames)
        case .list(let file, let root): self = try openList(file, root: root)
        }
    }

    public var count: Int { labels.count }

    public func picture(_ index: Int) throws(DataError) -> Picture {
        try load(index)
    }

    /// The pictures with these indices.
    public func picking(_ indices: [Int]) -> Dataset {
        let load = load
        return Dataset(labels: indices.map { labels[$0] }) { index throws(DataError) in try load(indices[index]) }
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

    /// At most `limit` pictures, evenly spread.
    public func spread(over limit: Int) -> Dataset {
        count <= limit ? self : picking((0..<limit).map { $0 * count / limit })
    }
}
