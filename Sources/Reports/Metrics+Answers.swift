import Inference
import ModelFormat
import Text

// What is seen, in Prometheus's text format. Labels are bounded: see `ClassTally`; names are cut, and the number tells classes apart.

extension TextWriter where Sink: ~Copyable {
    mutating func writeAnswers(_ totals: RunTotals, of model: Model) {
        let tally = totals.tally
        write("rarebit_answers_total", "Frames by the class that was their answer.", of: tally, model) { $0.answers }
        write("rarebit_sightings_total", "How often a class was confirmed.", of: tally, model) { $0.sightings }
        write(counter: "rarebit_unknown_total", "Frames whose best class was below its threshold.", tally.unknown)
        write(
            counter: "rarebit_flipped_total", "Frames of which the plain classifier says another class.", tally.flipped)
        write(metric: "rarebit_alpha", "gauge", "Strength of the adjustment.")
        write("rarebit_alpha \(Double(totals.alpha), decimals: 3)\n")
    }

    mutating func write(metricsOf prior: PriorReport) {
        write(metric: "rarebit_prior_sightings", "gauge", "Sightings that the estimated mix of classes is made of.")
        write("rarebit_prior_sightings \(prior.sightings)\n")
        write(metric: "rarebit_prior_used", "gauge", "1 where answers are for the estimated mix of classes.")
        write("rarebit_prior_used \(prior.isUsed ? 1 : 0)\n")
        write(metric: "rarebit_prior_share", "gauge", "Estimated shares of the most frequent classes.")
        prior.forEachClass { index, share in
            write("rarebit_prior_share")
            write(labelsOf: index, of: prior.model)
            write(" \(share, decimals: 4)\n")
        }
    }

    /// A counter by class.
    private mutating func write(
        _ name: StaticString, _ help: StaticString, of tally: ClassTally, _ model: Model,
        _ count: (ClassTally.Entry) -> UInt64
    ) {
        write(metric: name, "counter", help)
        for place in 0..<tally.count {
            write("\(name)")
            write(labelsOf: Int(tally[place].index), of: model)
            write(" \(count(tally[place]))\n")
        }
        write("\(name){class=\"others\",name=\"\"} \(count(tally.others))\n")
    }

    /// {class="3",name="Bag"}
    private mutating func write(labelsOf index: Int, of model: Model) {
        write("{class=\"\(index)\",name=")
        write(quoted: model.className(index).prefix(ofCharactersIn: 40))
        write("}")
    }
}
