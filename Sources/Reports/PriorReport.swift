import Inference
import ModelFormat
import Text

/// How frequent classes are where the camera looks, as its sightings tell.
public struct PriorReport {
    /// Classes that are told of.
    private static var top: Int { 5 }

    let model: Model
    private let estimate: PriorEstimate
    let isUsed: Bool

    /// `isUsed`: whether answers are for this mix from now on.
    public init(_ estimate: PriorEstimate, of model: Model, isUsed: Bool) {
        (self.model, self.estimate, self.isUsed) = (model, estimate, isUsed)
    }

    var sightings: UInt64 { estimate.sightingsInEstimate }

    /// The most frequent ones first, each with its share, 0...1.
    func forEachClass(_ body: (Int, Double) -> Void) {
        let ranking = estimate.ranking(limit: Self.top)
        for place in 0..<ranking.count {
            body(ranking[place], Double(estimate.share(of: ranking[place])))
        }
    }
}

extension TextWriter where Sink: ~Copyable {
    /// Members of a JSON object.
    public mutating func members(of report: PriorReport) {
        member("sightings", report.sightings)
        member("used", report.isUsed)
        array("top") { writer in
            report.forEachClass { index, share in
                writer.object {
                    $0.member("class", index)
                    $0.member("name", report.model.className(index))
                    $0.member("share", share, decimals: 4)
                }
            }
        }
    }

    /// "mix of classes by 40 sightings: Bag 61.2 %, Coat 20.1 %; answers are for it from now on"
    mutating func write(_ report: PriorReport) {
        write("mix of classes by \(report.sightings) sightings: ")
        var separator: StaticString = ""
        report.forEachClass { index, share in
            write("\(separator)\(report.model.className(index)) \(share * 100, decimals: 1) %")
            separator = ", "
        }
        write(report.isUsed ? "; answers are for it from now on" : "; it is not used")
    }
}
