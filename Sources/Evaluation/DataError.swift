/// Why a data set cannot be used. `path` is the file or folder that is to blame.
public enum DataError: Error, Equatable, Sendable {
    case unknownSpecification(String)
    case missing(path: String)
    case unreadable(path: String)
    /// The file is shorter or longer than its format or its own header says.
    case wrongSize(path: String)
    case notIDX(path: String)
    /// As many labels as images are needed.
    case labelsDoNotMatch(path: String, images: Int, labels: Int)
    case labelOutOfRange(path: String, index: Int, label: Int, classes: Int)
    case noImages(path: String)
    /// A folder of which it cannot be told which class it is; `reason` follows its path.
    case unknownClassFolder(path: String, reason: String)
    /// Folders that are classes in the order of their names, but one or more are missing.
    case tooFewClassFolders(path: String, folders: Int, classes: Int)
    /// A line that is not a path, a space and a class number.
    case badLine(path: String, line: Int)
    case undecodable(path: String, reason: String)
    /// More of the pictures cannot be used than a data set may have; why the first cannot.
    case tooManyUnusable(path: String, unusable: Int, images: Int, first: String, reason: String)
    /// A picture too large or too narrow for the model's resizing rule.
    case unusableSize(index: Int, width: Int, height: Int)
}

extension DataError: CustomStringConvertible {
    /// One line: what is wrong, where, and what to do.
    public var description: String {
        switch self {
        case .unknownSpecification(let text):
            "\(text): is no data set; give fashion-mnist[:DIR], cifar10:DIR, cifar100:DIR, images:DIR or list:FILE:ROOT"
        case .missing(let path):
            "\(path): no such file or folder; install the data set or name its folder"
        case .unreadable(let path):
            "\(path): cannot be read; check its permissions and contents"
        case .wrongSize(let path):
            "\(path): has another size than its format says; get the data set again"
        case .notIDX(let path):
            "\(path): is not the IDX file of images or labels that it should be; get the data set again"
        case .labelsDoNotMatch(let path, let images, let labels):
            "\(path): holds \(labels) labels for \(images) images; get the data set again"
        case .labelOutOfRange(let path, let index, let label, let classes):
            "\(path): image \(index) has class \(label), but there are \(classes) classes; give the data set of this model"
        case .noImages(let path):
            "\(path): holds no images; name another folder or file"
        case .unknownClassFolder(let path, let reason):
            "\(path): \(reason); rename or remove the folder, or give the classes' names by --labels"
        case .tooFewClassFolders(let path, let folders, let classes):
            "\(path): holds \(folders) folders for \(classes) classes, so their order does not tell which is which; "
                + "name them by class or number, or give the classes' names by --labels"
        case .tooManyUnusable(let path, let unusable, let images, let first, let reason):
            "\(path): \(unusable) of \(images) pictures cannot be used, the first is \(first) (\(reason)); "
                + "repair or remove them"
        case .badLine(let path, let line):
            "\(path): line \(line) is not a path, a space and a class number; correct it"
        case .undecodable(let path, let reason):
            "\(path): cannot be decoded (\(reason)); give JPEG, PNG, WebP, BMP, GIF, TIFF or PPM files"
        case .unusableSize(let index, let width, let height):
            "image \(index) has \(width)x\(height) pixels, which the model's input cannot be cut from; remove it"
        }
    }
}

extension DataError {
    /// What is wrong with a single picture, without its path.
    var reason: String {
        switch self {
        case .undecodable(_, let reason): reason
        case .missing: "no such file"
        case .unreadable: "cannot be read"
        default: description
        }
    }
}
