/// A data set as it is named on the command line.
public enum DataSpecification: Equatable, Sendable {
    case fashionMNIST(folder: String)
    case cifar10(folder: String)
    case cifar100(folder: String)
    /// A folder of folders, one a class, of image files.
    case imageFolders(folder: String)
    /// A text file of lines "path label", the paths below `root`.
    case list(file: String, root: String)

    /// Where Debian's package dataset-fashion-mnist puts its files.
    static let debianFashionMNIST = "/usr/share/datasets/fashion-mnist"

    /// From "fashion-mnist[:DIR]", "cifar10:DIR", "cifar100:DIR", "images:DIR" or "list:FILE:ROOT".
    public init(_ text: String) throws(DataError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch (parts[0], parts.count == 2 && !parts[1].isEmpty ? parts[1] : nil) {
        case ("fashion-mnist", nil) where parts.count == 1:
            self = .fashionMNIST(folder: Self.debianFashionMNIST)
        case ("fashion-mnist", let folder?):
            self = .fashionMNIST(folder: folder)
        case ("cifar10", let folder?):
            self = .cifar10(folder: folder)
        case ("cifar100", let folder?):
            self = .cifar100(folder: folder)
        case ("images", let folder?):
            self = .imageFolders(folder: folder)
        case ("list", let rest?):
            let names = rest.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard names.count == 2, names.allSatisfy({ !$0.isEmpty }) else { throw .unknownSpecification(text) }
            self = .list(file: names[0], root: names[1])
        default:
            throw .unknownSpecification(text)
        }
    }
}

/// Which images of a data set that has two parts; the others give all their images for both.
public enum DataPart: Sendable {
    case training
    case test
}
