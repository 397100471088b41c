import Foundation
import FoundationXML
import Quantization
import Testing

@testable import Evaluation

private let labels = [0, 0, 0, 0, 1, 1, 2, 2]

/// Three classes of 500, 50 and 5 training images; alphas 0 and 1.5 in the table, in float32 and in int8.
private func evaluation(names: [String] = ["head", "body", "tail"], choice: AlphaChoice? = nil) -> EvaluationReport {
    let dataset = Dataset(labels: labels) { _ in Picture(width: 1, height: 1, bytes: [0, 0, 0]) }
    let plan = EvaluationPlan(
        name: "some data", dataset: dataset, alphas: [0, 1.5], alpha: 1.5, hasAdjustment: true, classNames: names,
        classCounts: [500, 50, 5], choice: choice)
    func predictions(_ plain: [Int], _ adjusted: [Int]) -> [[Int]] {
        plan.allAlphas.map { $0 < 1 ? plain : adjusted }
    }
    return EvaluationReport(
        plan, float: predictions([0, 0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 2, 1, 1, 2, 0]),
        int8: predictions([0, 0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 2, 1, 1, 2, 2]))
}

private func dictionary(_ report: some Encodable) throws -> [String: Any] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return try #require(JSONSerialization.jsonObject(with: encoder.encode(report)) as? [String: Any])
}

@Suite struct AnEvaluation {
    @Test func saysWhatInt8AndTheAdjustmentChangeForEveryClass() {
        let classes = evaluation().classes
        #expect(classes.map(\.name) == ["head", "body", "tail"])
        #expect(classes.map(\.images) == [4, 2, 2])
        #expect(classes.map(\.float) == [100, 100, 0])
        #expect(classes.map(\.int8) == [100, 50, 0])
        #expect(classes.map(\.adjusted) == [75, 100, 100])
        #expect(classes.map(\.quantizationChange) == [0, -50, 0])
        #expect(classes.map(\.adjustmentChange) == [-25, 50, 100])
    }

    @Test func isWithinLimitsWhereInt8LosesLittle() {
        let report = evaluation()
        #expect(report.differences.map(\.overall) == [-12.5, 12.5])
        #expect(report.isWithinLimits == false)
        #expect(report.text.contains("1.0 in every group: no loss can be told from 8 pictures"))
        let gain = AccuracyDifference(
            float: AccuracyRow(
                numbers: .float32, alpha: 0,
                accuracy: Accuracy(predictions: [0, 0], labels: [0, 1], classCounts: [1, 1])),
            int8: AccuracyRow(
                numbers: .int8, alpha: 0,
                accuracy: Accuracy(predictions: [0, 1], labels: [0, 1], classCounts: [1, 1])))
        #expect(gain.isWithinLimits, "a gain is no loss")
    }

    @Test func listsTheMostChangedClassesFirst() {
        let lines = evaluation().text.split(separator: "\n")
        let start = lines.firstIndex { $0.hasPrefix("Most changed first") } ?? lines.count
        #expect(lines[start...].dropFirst(2).map { $0.prefix(4) } == ["tail", "body", "head"])
    }

    @Test func isInJSONWhatItIsInSwift() throws {
        let json = try dictionary(evaluation())
        let rows = try #require(json["rows"] as? [[String: Any]])
        #expect(rows.map { $0["numbers"] as? String } == ["float32", "int8", "float32", "int8"])
        #expect(rows.map { $0["all"] as? Double } == [75, 62.5, 75, 87.5])
        #expect(rows.map { $0["few"] as? Double } == [0, 0, 50, 100])
        #expect((json["sweep"] as? [Any])?.count == 2 * 31)
        let classes = try #require(json["classes"] as? [[String: Any]])
        #expect(classes.map { $0["training_images"] as? Int } == [500, 50, 5])
        #expect(json["within_limits"] as? Bool == false)
    }
}

/// Collects what a page is made of; fails where it is no well-formed XML.
private final class PageReader: NSObject, XMLParserDelegate {
    private(set) var elements: [String: Int] = [:]
    private(set) var attributes: Set<String> = []
    private(set) var text = ""

    init(_ page: String) throws {
        super.init()
        // The document type of HTML is none of XML.
        let body = try #require(page.split(separator: "\n", maxSplits: 1).last)
        let parser = XMLParser(data: Data(body.utf8))
        parser.delegate = self
        guard parser.parse() else { throw try #require(parser.parserError) }
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        elements[name, default: 0] += 1
        self.attributes.formUnion(attributes.keys)
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        text += string
    }
}

@Suite struct ThePage {
    @Test func isWellFormedAndNeedsNothingElse() throws {
        let choice = AlphaChoice(predictions: [labels, labels], alphas: [0, 1], labels: labels, data: "other data")
        let html = ConversionReport(title: "model.rbit", conversion: nil, evaluation: evaluation(choice: choice)).html
        let page = try PageReader(html)
        #expect(html.hasPrefix("<!DOCTYPE html>\n"))
        // The alpha curve, the choice of alpha and the class frequencies.
        #expect(page.elements["svg"] == 3)
        for outside in ["http", "//", "@import", "url(", "<script", "<link", "<img"] {
            #expect(!html.contains(outside), "\(outside)")
        }
        #expect(page.attributes.isDisjoint(with: ["src", "href", "xlink:href", "srcset", "action"]))
        for text in ["model.rbit", "Accuracy", "87.50", "Choice of alpha", "Class frequency", "tail"] {
            #expect(page.text.contains(text))
        }
    }

    @Test func showsNamesAsTextWhateverTheyHold() throws {
        let names = ["<script>alert(1)</script>", "a & \"b\" 'c'", "\u{1}\u{FFFF}é日本"]
        let html = ConversionReport(title: "<b>", conversion: nil, evaluation: evaluation(names: names)).html
        let page = try PageReader(html)
        #expect(page.elements["script"] == nil)
        #expect(page.elements["b"] == 2, "only the figures are bold")
        #expect(page.text.contains("<script>alert(1)</script>"))
        #expect(page.text.contains("a & \"b\" 'c'"))
        #expect(page.text.contains("é日本"))
    }

    @Test func leavesOutWhatWasNotMeasured() throws {
        let page = try PageReader(ConversionReport(title: "x", conversion: nil, evaluation: nil).html)
        #expect(page.elements["section"] == nil)
        #expect(page.elements["svg"] == nil)
    }
}

@Test(
    "Ticks are round numbers inside the scale",
    arguments: [
        (0.0...1.0, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]), (50...90, 8, [50, 55, 60, 65, 70, 75, 80, 85, 90]), (3...3, 4, [3]),
        (-1...1, 4, [-1, -0.5, 0, 0.5, 1]),
    ] as [(ClosedRange<Double>, Int, [Double])])
func ticksAreRound(values: ClosedRange<Double>, count: Int, expected: [Double]) {
    let ticks = Scale(values: values, positions: (0, 100)).ticks(count)
    #expect(ticks.map(tickText) == expected.map(tickText))
}
