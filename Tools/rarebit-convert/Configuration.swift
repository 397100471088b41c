import Foundation
import Yams

/// What a checkpoint's YAML configuration says and the checkpoint itself does not. Every field may be absent; names are
/// the reference's where it has the field.
struct Configuration: Decodable {
    var input: Input?
    var classNamesFile: String?
    var classCountsFile: String?
    private var networks: Networks?

    struct Input: Decodable {
        /// Height and width, pixels.
        var size: Int?
        var mean: [Float]?
        var std: [Float]?
    }

    struct ClassifierParameters: Decodable {
        var heads: Int?
        var tau: Float?
        var gamma: Float?
        var alpha: Float?

        enum CodingKeys: String, CodingKey {
            case heads = "num_head"
            case tau, gamma, alpha
        }
    }

    private struct Networks: Decodable {
        struct Classifier: Decodable {
            var params: ClassifierParameters?
        }
        var classifier: Classifier?
    }

    enum CodingKeys: String, CodingKey {
        case input, networks
        case classNamesFile = "class_names"
        case classCountsFile = "class_counts"
    }

    var classifier: ClassifierParameters { networks?.classifier?.params ?? ClassifierParameters() }

    /// An empty one.
    init() {}

    init(contentsOf path: String) throws {
        let text = try readText(path)
        do {
            self = try YAMLDecoder().decode(Configuration.self, from: text)
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            let field = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw Failure("\(path): \(field) has the wrong type; correct it")
        } catch {
            throw Failure("\(path): is not a YAML configuration; correct it or name another file")
        }
    }
}

/// A text file of at most a megabyte.
func readText(_ path: String) throws -> String {
    guard let handle = FileHandle(forReadingAtPath: path) else {
        throw Failure("\(path): no such file, or not readable; check the path")
    }
    let limit = 1 << 20
    do {
        let data = try handle.read(upToCount: limit + 1) ?? Data()
        if data.count <= limit, let text = String(data: data, encoding: .utf8) {
            return text
        }
    } catch {
        throw Failure("\(path): cannot be read; name a text file")
    }
    throw Failure("\(path): is not a UTF-8 text of at most a megabyte; name another file")
}

/// The lines of a text file, without empty ones at its end.
func readLines(_ path: String) throws -> [String] {
    var lines = try readText(path).split(separator: "\n", omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces.union(.controlCharacters)) }
    while lines.last?.isEmpty == true {
        lines.removeLast()
    }
    return lines
}
