import Foundation

/// Pictures with boxes, from annotations in COCO's or LVIS's format, and detections from COCO's results.
///
/// Pictures and categories stand in the order of their ids, whatever order the file has: so ties end as in pycocotools.
public struct COCOAnnotations: Sendable {
    /// What is annotated, and which detections count.
    public enum Format: String, Sendable {
        case coco
        /// Not everything: each picture says which categories it is known not to show, and which are not annotated whole.
        case lvis
    }

    public struct Picture: Equatable, Sendable {
        public let id: Int
        /// Below the folder that the annotations' pictures are in; LVIS has an address instead, of which this is the end.
        public let name: String
        public let width: Int
        public let height: Int
    }

    public struct Category: Equatable, Sendable {
        public let id: Int
        public let name: String
        /// "r", "c" or "f": shown by few, some or many training pictures, where the file says so.
        public let frequency: String?
    }

    public let pictures: [Picture]
    public let categories: [Category]
    public let objects: [AnnotatedObject]
    public let rules: AveragePrecision.Rules

    private let pictureOf: [Int: Int]
    private let categoryOf: [Int: Int]

    /// `path` is what messages call the file.
    public init(contents: Data, as format: Format, path: String) throws(AnnotationError) {
        let file = try decoded(COCOFile.self, from: contents, path: path)
        guard !file.images.isEmpty, !file.categories.isEmpty else { throw .empty(path: path) }
        let images = file.images.sorted { $0.id < $1.id }
        let named = file.categories.sorted { $0.id < $1.id }
        pictureOf = try places(of: images.map(\.id), what: "images", path: path)
        categoryOf = try places(of: named.map(\.id), what: "categories", path: path)
        pictures = images.map { Picture(id: $0.id, name: $0.name, width: $0.width, height: $0.height) }
        categories = named.map { Category(id: $0.id, name: $0.name, frequency: $0.frequency) }
        let isFederated = format == .lvis
        if isFederated, let image = images.first(where: { $0.negCategoryIds == nil }) {
            throw .notFederated(path: path, id: image.id)
        }
        objects = try Self.objects(of: file, pictureOf, categoryOf, isFederated: isFederated, path: path)
        rules =
            isFederated ? .lvis(detections: 300, pictures: Self.known(of: images, categoryOf)) : .coco(detections: 100)
    }

    /// Of results in COCO's format: a list of detections with image_id, category_id, bbox and score.
    public func detections(contents: Data, path: String) throws(AnnotationError) -> [Detection] {
        let results = try decoded([COCOResult].self, from: contents, path: path)
        var detections: [Detection] = []
        for (index, result) in results.enumerated() {
            guard let picture = pictureOf[result.imageId] else {
                throw .unknownPicture(path: path, what: "detection \(index)", id: result.imageId)
            }
            guard let category = categoryOf[result.categoryId] else {
                throw .unknownCategory(path: path, what: "detection \(index)", id: result.categoryId)
            }
            guard let box = Box(result.bbox) else { throw .badBox(path: path, what: "detection \(index)") }
            detections.append(Detection(picture: picture, category: category, box: box, score: result.score))
        }
        return detections
    }

    private static func known(of images: [COCOFile.Image], _ categoryOf: [Int: Int]) -> [AveragePrecision
        .FederatedPicture]
    {
        func chosen(_ ids: [Int]?) -> Set<Int> { Set((ids ?? []).compactMap { categoryOf[$0] }) }
        return images.map {
            .init(absent: chosen($0.negCategoryIds), notExhaustive: chosen($0.notExhaustiveCategoryIds))
        }
    }

    private static func objects(
        of file: COCOFile, _ pictureOf: [Int: Int], _ categoryOf: [Int: Int], isFederated: Bool, path: String
    ) throws(AnnotationError) -> [AnnotatedObject] {
        var objects: [AnnotatedObject] = []
        for annotation in file.annotations {
            let what = "annotation \(annotation.id)"
            guard let picture = pictureOf[annotation.imageId] else {
                throw .unknownPicture(path: path, what: what, id: annotation.imageId)
            }
            guard let category = categoryOf[annotation.categoryId] else {
                throw .unknownCategory(path: path, what: what, id: annotation.categoryId)
            }
            guard let box = Box(annotation.bbox) else { throw .badBox(path: path, what: what) }
            objects.append(
                AnnotatedObject(
                    picture: picture, category: category, box: box, area: annotation.area ?? box.area,
                    // LVIS has no crowds, and COCO no objects that are ignored for another reason.
                    isCrowd: !isFederated && annotation.iscrowd == 1, isIgnored: isFederated && annotation.ignore == 1))
        }
        return objects
    }
}

/// Why annotations or results cannot be used. `what` names the entry that is to blame.
public enum AnnotationError: Error, Equatable, Sendable {
    case notAnnotations(path: String, reason: String)
    case empty(path: String)
    /// A picture of which LVIS's format would say what it does not show.
    case notFederated(path: String, id: Int)
    case repeatedID(path: String, what: String, id: Int)
    case unknownPicture(path: String, what: String, id: Int)
    case unknownCategory(path: String, what: String, id: Int)
    case badBox(path: String, what: String)
}

extension AnnotationError: CustomStringConvertible {
    /// One line: what is wrong, where, and what to do.
    public var description: String {
        switch self {
        case .notAnnotations(let path, let reason):
            "\(path): is not in COCO's format (\(reason)); name annotations with images, annotations and categories"
        case .empty(let path):
            "\(path): has no images or no categories; name annotations of a data set"
        case .notFederated(let path, let id):
            "\(path): picture \(id) does not say which categories it does not show (neg_category_ids); give it as coco:FILE"
        case .repeatedID(let path, let what, let id):
            "\(path): two \(what) have the id \(id); correct the file"
        case .unknownPicture(let path, let what, let id):
            "\(path): \(what) is of picture \(id), which is not among the images; correct the file"
        case .unknownCategory(let path, let what, let id):
            "\(path): \(what) is of category \(id), which is not among the categories; correct the file"
        case .badBox(let path, let what):
            "\(path): \(what) has a box that is not left, top, width and height, each a number; correct the file"
        }
    }
}

extension Box {
    /// nil unless these are left, top, width and height, and the sides not negative.
    fileprivate init?(_ numbers: [Double]) {
        guard numbers.count == 4, numbers.allSatisfy(\.isFinite), numbers[2] >= 0, numbers[3] >= 0 else { return nil }
        self.init(left: numbers[0], top: numbers[1], width: numbers[2], height: numbers[3])
    }
}

/// What is read of a file of annotations.
private struct COCOFile: Decodable {
    struct Image: Decodable {
        let id: Int
        let fileName: String?
        let cocoUrl: String?
        let width: Int
        let height: Int
        let negCategoryIds: [Int]?
        let notExhaustiveCategoryIds: [Int]?

        var name: String { fileName ?? (cocoUrl ?? "").split(separator: "/").suffix(2).joined(separator: "/") }
    }

    struct Annotation: Decodable {
        let id: Int
        let imageId: Int
        let categoryId: Int
        let bbox: [Double]
        let area: Double?
        let iscrowd: Int?
        let ignore: Int?
    }

    struct Category: Decodable {
        let id: Int
        let name: String
        let frequency: String?
    }

    let images: [Image]
    let annotations: [Annotation]
    let categories: [Category]
}

private struct COCOResult: Decodable {
    let imageId: Int
    let categoryId: Int
    let bbox: [Double]
    let score: Double
}

private func decoded<Contents: Decodable>(
    _ type: Contents.Type, from contents: Data, path: String
) throws(AnnotationError) -> Contents {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
        return try decoder.decode(type, from: contents)
    } catch let DecodingError.keyNotFound(key, context) {
        throw .notAnnotations(path: path, reason: "\(place(context.codingPath)) lacks \(key.stringValue)")
    } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context) {
        throw .notAnnotations(path: path, reason: "\(place(context.codingPath)) is of another type")
    } catch {
        throw .notAnnotations(path: path, reason: "it is not JSON")
    }
}

private func place(_ path: [any CodingKey]) -> String {
    path.isEmpty ? "the file" : path.map { $0.intValue.map { "entry \($0)" } ?? $0.stringValue }.joined(separator: ", ")
}

/// Where each id stands.
private func places(of ids: [Int], what: String, path: String) throws(AnnotationError) -> [Int: Int] {
    var places: [Int: Int] = [:]
    for (place, id) in ids.enumerated() {
        if places.updateValue(place, forKey: id) != nil { throw .repeatedID(path: path, what: what, id: id) }
    }
    return places
}
