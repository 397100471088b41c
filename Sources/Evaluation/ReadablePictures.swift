import FloatGraph
import Inference
import ModelFormat
import Pixels
import Quantization

/// What became of the pictures that a data set names.
public struct ReadablePictures: Sendable {
    /// Those that can be used.
    public let dataset: Dataset
    /// Path and reason of those that cannot, in the order of the data set.
    public let unusable: [(path: String, reason: String)]
    /// Path and oddity of those that can be used all the same.
    public let odd: [(path: String, oddity: String)]

    /// One line each, for standard error.
    public var notes: [String] {
        let all = dataset.count + unusable.count
        return [
            unusable.isEmpty
                ? nil
                : "\(unusable.count) of \(all) pictures cannot be used and are passed over: "
                    + Self.listed(unusable.map { "\($0.path) (\($0.reason))" }),
            odd.isEmpty
                ? nil
                : "\(odd.count) of \(all) pictures are odd but whole: "
                    + Self.listed(odd.map { "\($0.path) (\($0.oddity))" }),
        ].compactMap(\.self)
    }

    private static func listed(_ names: [String]) -> String {
        let shown = 8
        return names.prefix(shown).joined(separator: ", ")
            + (names.count > shown ? " and \(names.count - shown) more" : "")
    }
}

extension Dataset {
    /// Reads every picture that is a file, once, and sets those aside that cannot be read, or that the input cannot be cut from: a
    /// bad file among thousands ends nothing. Throws `tooManyUnusable` where they are more than ten and more than a tenth,
    /// or all. `name` names the data set.
    public func readable(
        for input: ModelInput, _ name: String, progress: @escaping ProgressHandler = { _ in }
    ) throws -> ReadablePictures {
        guard let paths else { return ReadablePictures(dataset: self, unusable: [], odd: []) }
        let record = input.bytesUnchanged
        let findings = try forEachBatch(of: count, size: 16, progress: progress, makeWorker: {}) { _, batch in
            batch.map { index in finding(on: index) { Preprocessor.canPrepare($0, for: record) } }
        }.flatMap(\.self)
        var (unusable, odd, kept): ([(String, String)], [(String, String)], [Int]) = ([], [], [])
        for (index, finding) in findings.enumerated() {
            switch finding {
            case .usable(let warning):
                kept.append(index)
                if let warning { odd.append((paths[index], warning)) }
            case .unusable(let reason):
                unusable.append((paths[index], reason))
            }
        }
        let isTooMany = unusable.count > 10 && unusable.count > count / 10
        if let first = unusable.first, kept.isEmpty || isTooMany {
            throw DataError.tooManyUnusable(
                path: name, unusable: unusable.count, images: count, first: first.0, reason: first.1)
        }
        return ReadablePictures(dataset: unusable.isEmpty ? self : picking(kept), unusable: unusable, odd: odd)
    }

    private enum Finding {
        case usable(warning: String?)
        case unusable(reason: String)
    }

    private func finding(on index: Int, canPrepare: (Picture) -> Bool) -> Finding {
        do throws(DataError) {
            let picture = try self.picture(index)
            guard canPrepare(picture) else {
                return .unusable(reason: "\(picture.width)x\(picture.height) pixels, of which the input cannot be cut")
            }
            return .usable(warning: picture.warning)
        } catch {
            return .unusable(reason: error.reason)
        }
    }
}

extension Preprocessor {
    fileprivate static func canPrepare(_ picture: Picture, for input: InputRecord) -> Bool {
        workspaceBytes(input: input, format: RB_PIXELS_RGB24, width: picture.width, height: picture.height) != nil
    }
}
