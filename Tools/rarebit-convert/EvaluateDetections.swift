import ArgumentParser
import Evaluation
import Foundation

extension Evaluate {
    /// The annotations that `data` names as coco:FILE or coco:FILE:DIR, or the same with lvis; nil if it is of another kind.
    var annotations: (format: COCOAnnotations.Format, path: String)? {
        let parts = data.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count > 1, let format = COCOAnnotations.Format(rawValue: String(parts[0])), !parts[1].isEmpty else {
            return nil
        }
        return (format, String(parts[1]))
    }

    /// Measures detections that some program wrote in the format of COCO's results.
    func measureDetections(against annotations: String, as format: COCOAnnotations.Format) throws {
        try checkOptions()
        guard try !isModelFile(file) else {
            throw Failure(
                "\(file): is a classifier, which finds no boxes; give detections in the format of COCO's results")
        }
        let read = try inAnnotations {
            try COCOAnnotations(contents: contents(of: annotations), as: format, path: annotations)
        }
        let detections = try inAnnotations { try read.detections(contents: contents(of: file), path: file) }
        let counts = try network.classes.classCounts.map(readCounts)
        if let counts, counts.count != read.categories.count {
            throw Failure(
                "the class counts are of \(counts.count) classes, \(annotations) has \(read.categories.count)")
        }
        let figures = DetectionReport(
            of: detections, against: read, trainingImages: counts, data: annotations)
        print(figures.text)
        if let report {
            try replaceFile(report, with: encoded(figures))
        }
    }

    /// Detections are what they are: what is about a model or a checkpoint would change nothing.
    private func checkOptions() throws {
        let given = [
            ("--alpha", alpha != nil), ("--choose-alpha", chooseAlpha != nil), ("--against", against != nil),
        ]
        let names = given.filter(\.1).map(\.0)
        guard names.isEmpty else {
            throw UsageFailure("\(file): holds detections; leave \(names.joined(separator: ", ")) out")
        }
        if let report, isPage(report) {
            throw UsageFailure("\(report): figures of detections are written as JSON; name a file with another ending")
        }
    }

    private func inAnnotations<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as AnnotationError {
            throw Failure("\(error)")
        }
    }

    private func contents(of path: String) throws -> Data {
        try checkInput(path)
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure("\(path): no such file, or not readable; check the path")
        }
        return data
    }
}
