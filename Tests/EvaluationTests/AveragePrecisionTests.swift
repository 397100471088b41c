import Foundation
import Testing

@testable import Evaluation

/// What pycocotools and lvis made of generated detections, as Tools/training/fixtures/average_precision.py wrote it.
private struct AveragePrecisionCase: CustomTestStringConvertible {
    let name: String
    let annotations: COCOAnnotations
    let detections: [Detection]
    let figures: [String: Double]
    let pooled: (all: Double, at50: Double)?

    var testDescription: String { name }

    static let all: [AveragePrecisionCase] = {
        do {
            let path = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../Fixtures/average-precision.json")
            let cases = try JSONSerialization.jsonObject(with: Data(contentsOf: path)) as? [[String: Any]]
            return try #require(cases).map(AveragePrecisionCase.init)
        } catch {
            fatalError("Tests/Fixtures/average-precision.json: \(error)")
        }
    }()

    private init(_ contents: [String: Any]) throws {
        name = try #require(contents["name"] as? String)
        let format = try #require((contents["rules"] as? String).flatMap(COCOAnnotations.Format.init))
        annotations = try COCOAnnotations(
            contents: JSONSerialization.data(withJSONObject: #require(contents["annotations"])), as: format, path: name)
        detections = try annotations.detections(
            contents: JSONSerialization.data(withJSONObject: #require(contents["results"])), path: name)
        figures = try #require(contents["figures"] as? [String: Double])
        pooled = (contents["pooled"] as? Double).map { ($0, contents["pooled50"] as? Double ?? .nan) }
    }

    var measured: AveragePrecision {
        AveragePrecision(
            of: detections, against: annotations.objects, categories: annotations.categories.count,
            rules: annotations.rules)
    }
}

@Test("Average precision is that of pycocotools and lvis", arguments: AveragePrecisionCase.all)
private func averagePrecisionIsThatOfTheReference(of one: AveragePrecisionCase) throws {
    let measured = one.measured
    func mean(of letter: String) -> Double? {
        measured.mean(
            of: one.annotations.categories.indices.filter { one.annotations.categories[$0].frequency == letter })
    }
    let found: [String: Double?] = [
        "AP": measured.mean(), "AP50": measured.mean(overlap: 0.5), "AP75": measured.mean(overlap: 0.75),
        "APs": measured.mean(size: .small), "APm": measured.mean(size: .medium), "APl": measured.mean(size: .large),
        "APr": mean(of: "r"), "APc": mean(of: "c"), "APf": mean(of: "f"),
    ]
    #expect(Set(found.keys) == Set(one.figures.keys))
    for (name, wanted) in one.figures {
        // The packages write -1 where there is nothing to measure.
        #expect(abs((found[name]! ?? -1) - wanted) < 1e-12, "\(name)")
    }
    if let pooled = one.pooled {
        let mean = try #require(measured.pooledMean)
        let at50 = try #require(measured.pooled[0])
        #expect(abs(mean - pooled.all) < 1e-12)
        #expect(abs(at50 - pooled.at50) < 1e-12)
    }
}

@Test func theFixturesHaveBothRulesAndFiguresBetweenNothingAndEverything() {
    let federated = AveragePrecisionCase.all.filter { if case .lvis = $0.annotations.rules { true } else { false } }
    #expect(federated.count == 2 && AveragePrecisionCase.all.count == 5)
    #expect(AveragePrecisionCase.all.filter { (0.05...0.95).contains($0.figures["AP"]!) }.count >= 4)
}

@Test func withoutObjectsThereIsNoFigure() {
    let detection = Detection(picture: 0, category: 0, box: Box(left: 0, top: 0, width: 9, height: 9), score: 0.5)
    let measured = AveragePrecision(of: [detection], against: [], categories: 2, rules: .coco(detections: 100))
    #expect(measured.mean() == nil && measured.pooledMean == nil)
}

@Test func oneListOfAllCategoriesTakesWrongDetectionsOfEachIntoAccount() throws {
    func box(at left: Double) -> Box { Box(left: left, top: 0, width: 10, height: 10) }
    let objects = (0..<2).map { AnnotatedObject(picture: 0, category: $0, box: box(at: 20 * Double($0)), area: 100) }
    let detections = [
        Detection(picture: 0, category: 0, box: box(at: 0), score: 0.9),
        Detection(picture: 0, category: 0, box: box(at: 70), score: 0.8),
        Detection(picture: 0, category: 1, box: box(at: 20), score: 0.7),
    ]
    let measured = AveragePrecision(of: detections, against: objects, categories: 2, rules: .coco(detections: 100))
    // Each category by itself has its object first.
    let mean = try #require(measured.mean())
    #expect(abs(mean - 1) < 1e-9)
    // In one list precision is 1 up to half of the objects and 2/3 beyond: 51 and 50 of the 101 recalls.
    let pooled = try #require(measured.pooledMean)
    let wanted: Double = (51 + 100 / 3) / 101
    #expect(abs(pooled - wanted) < 1e-9)
}

private func refusal(
    _ annotations: String, as format: COCOAnnotations.Format = .coco, results: String = "[]"
) -> AnnotationError? {
    do throws(AnnotationError) {
        _ = try COCOAnnotations(contents: Data(annotations.utf8), as: format, path: "a.json")
            .detections(contents: Data(results.utf8), path: "r.json")
        return nil
    } catch {
        return error
    }
}

private func file(images: String = image, annotations: String = "", categories: String = category) -> String {
    "{\"images\": [\(images)], \"annotations\": [\(annotations)], \"categories\": [\(categories)]}"
}

private let image = #"{"id": 1, "file_name": "1.png", "width": 9, "height": 9}"#
private let category = #"{"id": 2, "name": "cat"}"#

@Test(
    "What is wrong with annotations is said",
    arguments: [
        ("text", .notAnnotations(path: "a.json", reason: "it is not JSON")),
        ("{\"images\": []}", .notAnnotations(path: "a.json", reason: "the file lacks annotations")),
        (
            file(images: #"{"id": 1, "width": 9}"#),
            .notAnnotations(path: "a.json", reason: "images, entry 0 lacks height")
        ),
        (file(images: ""), .empty(path: "a.json")),
        (file(images: "\(image), \(image)"), .repeatedID(path: "a.json", what: "images", id: 1)),
        (
            file(annotations: #"{"id": 7, "image_id": 3, "category_id": 2, "bbox": [0, 0, 1, 1]}"#),
            .unknownPicture(path: "a.json", what: "annotation 7", id: 3)
        ),
        (
            file(annotations: #"{"id": 7, "image_id": 1, "category_id": 3, "bbox": [0, 0, 1, 1]}"#),
            .unknownCategory(path: "a.json", what: "annotation 7", id: 3)
        ),
        (
            file(annotations: #"{"id": 7, "image_id": 1, "category_id": 2, "bbox": [0, 0, -1, 1]}"#),
            .badBox(path: "a.json", what: "annotation 7")
        ),
    ] as [(String, AnnotationError)])
func faultsOfAnnotationsAreNamed(annotations: String, error: AnnotationError) {
    #expect(refusal(annotations) == error)
}

@Test func annotationsThatDoNotSayWhatIsAbsentAreNotTakenForLVIS() {
    #expect(refusal(file(), as: .lvis) == .notFederated(path: "a.json", id: 1))
}

@Test func aReportHasTheFiguresOfTheGroupsThatThereAre() throws {
    let box = Box(left: 1, top: 1, width: 5, height: 5)
    let read = try COCOAnnotations(
        contents: Data(
            file(
                annotations: #"{"id": 7, "image_id": 1, "category_id": 2, "bbox": [1, 1, 5, 5]}"#,
                categories: #"{"id": 2, "name": "cat"}, {"id": 3, "name": "dog"}"#
            ).utf8), as: .coco, path: "a.json")
    let found = [Detection(picture: 0, category: 0, box: box, score: 0.5)]
    let report = DetectionReport(of: found, against: read, trainingImages: [11, 10], data: "a.json")
    #expect(Set(report.figures.keys) == ["AP", "AP50", "AP75", "APs", "APc", "AP50c", "APpool", "AP50pool"])
    #expect(report.figures.values.allSatisfy { abs($0 - 100) < 1e-9 })
    #expect(report.text.contains("1 detections of 1 objects in 1 pictures of a.json"))
    #expect(report.text.contains("rare, common, frequent    APr -           APc 100.0       APf -"))
    #expect(report.categories.map(\.name) == ["cat", "dog"] && report.categories[1].ap50 == nil)
}

@Test func faultsOfResultsAreNamed() {
    let unknown = #"[{"image_id": 5, "category_id": 2, "bbox": [0, 0, 1, 1], "score": 1}]"#
    #expect(refusal(file(), results: unknown) == .unknownPicture(path: "r.json", what: "detection 0", id: 5))
    let short = #"[{"image_id": 1, "category_id": 2, "bbox": [0, 1, 1], "score": 1}]"#
    #expect(refusal(file(), results: short) == .badBox(path: "r.json", what: "detection 0"))
}
