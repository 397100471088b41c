import Foundation
import ProgramRunner
import Testing

/// Two pictures with a cat each and a dog in one of them; the dog and one cat are found.
private struct DetectionsPlace {
    let folder: TemporaryFolder

    init(results: String? = nil) throws {
        folder = try TemporaryFolder()
        let annotations = """
            {"images": [{"id": 1, "file_name": "1.png", "width": 90, "height": 90}, {"id": 2, "file_name": "2.png", "width": 90, "height": 90}],
             "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 40, 40], "area": 1600},
                             {"id": 2, "image_id": 2, "category_id": 1, "bbox": [0, 0, 40, 40], "area": 1600},
                             {"id": 3, "image_id": 2, "category_id": 2, "bbox": [50, 50, 20, 20], "area": 400}],
             "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]}
            """
        let found = """
            [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 40, 40], "score": 0.9},
             {"image_id": 2, "category_id": 2, "bbox": [50, 50, 20, 20], "score": 0.8}]
            """
        _ = try folder.write(Array(annotations.utf8), to: "annotations.json")
        _ = try folder.write(Array((results ?? found).utf8), to: "results.json")
        _ = try folder.write(Array("200\n3\n".utf8), to: "counts.txt")
    }

    func evaluate(_ more: [String] = [], kind: String = "coco") throws -> ProgramResult {
        let data = "\(kind):\(folder.path("annotations.json"))"
        return try runProgram("rarebit-convert", ["evaluate", folder.path("results.json"), "--data", data] + more)
    }
}

@Suite struct EvaluatingDetections {
    @Test func saysHowGoodTheyAreByFrequency() throws {
        let place = try DetectionsPlace()
        let report = place.folder.path("report.json")
        let result = try place.evaluate(["--class-counts", place.folder.path("counts.txt"), "--report", report])
        #expect(result.status == 0 && result.errors == "")
        // Half of the cats at precision 1: 51 of the 101 recalls.
        #expect(result.output.contains("2 detections of 3 objects in 2 pictures"))
        #expect(result.output.contains("AP 75.2"))
        #expect(result.output.contains("APr 100.0       APc -           APf 50.5"))
        let written = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: report)))
        let figures = try #require((written as? [String: Any])?["figures"] as? [String: Double])
        #expect(abs(figures["AP50f"]! - 100 * 51 / 101) < 1e-9)
        // Two of three objects in one list, both at precision 1: 67 of the 101 recalls.
        #expect(abs(figures["APpool"]! - 100 * 67 / 101) < 1e-9)
    }

    @Test func refusesWhatDoesNotBelongToTheAnnotations() throws {
        let strange = try DetectionsPlace(
            results: #"[{"image_id": 3, "category_id": 1, "bbox": [0, 0, 4, 4], "score": 1}]"#)
        let result = try strange.evaluate()
        #expect(result.status == 1)
        #expect(result.errorLine?.contains("detection 0 is of picture 3, which is not among the images") == true)
        let federated = try DetectionsPlace().evaluate(kind: "lvis")
        #expect(federated.status == 1 && federated.errorLine?.contains("give it as coco:FILE") == true)
        let place = try DetectionsPlace()
        _ = try place.folder.write(Array("5\n".utf8), to: "counts.txt")
        let counts = try place.evaluate(["--class-counts", place.folder.path("counts.txt")])
        #expect(counts.status == 1 && counts.errorLine?.contains("are of 1 classes") == true)
    }
    @Test(arguments: [
        (["--alpha", "1"], "leave --alpha out"), (["--against", "a.pth"], "leave --against out"),
        (["--report", "page.html"], "name a file with another ending"),
    ])
    func refusesOptionsThatWouldChangeNothing(options: [String], complaint: String) throws {
        let result = try DetectionsPlace().evaluate(options)
        #expect(result.status == 2)
        #expect(result.errorLine?.contains(complaint) == true)
    }
}
