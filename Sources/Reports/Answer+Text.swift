import Inference
import ModelFormat
import Text

extension TextWriter where Sink: ~Copyable {
    /// "Sneaker 93.1 %, Sandal 6.2 %, Bag 0.4 %", or "unknown".
    public mutating func write(_ answer: Answer) {
        guard !answer.verdict.isUnknown else { return write("unknown") }
        for place in 0..<answer.verdict.count {
            let ranked = answer.verdict[place]
            write(
                """
                \(place == 0 ? "" : ", ")\(answer.engine.model.className(ranked.index)) \
                \(Double(ranked.probability) * 100, decimals: 1) %
                """)
        }
    }

    /// Members of a JSON object: alpha, the temperature where the model has one, whether it is unknown, the ranking, and the checksums of input and logits.
    /// `smoothed`: whether the probabilities are means over pictures.
    public mutating func members(of answer: Answer, smoothed: Bool = false) {
        member("alpha", Double(answer.alpha), decimals: 3)
        if answer.engine.model.temperature(at: answer.alpha) != nil {
            member("temperature", Double(answer.temperature), decimals: 3)
        }
        if answer.verdict.isUnknown {
            member("unknown", true)
        }
        array("top") {
            for place in 0..<answer.verdict.count {
                $0.write(answer.verdict[place], in: answer.engine.model, smoothed: smoothed)
            }
        }
        if let checksum = answer.inputChecksum {
            member("input_crc", "\(hexadecimal: checksum)")
        }
        member("logits_crc", "\(hexadecimal: answer.logitsChecksum)")
    }

    private mutating func write(_ ranked: RankedClass, in model: Model, smoothed: Bool) {
        object {
            $0.member("class", ranked.index)
            $0.member("name", model.className(ranked.index))
            $0.member("probability", Double(ranked.probability), decimals: 6)
            if smoothed {
                $0.member("frame_probability", Double(ranked.frameProbability), decimals: 6)
            }
            $0.member("logit", Double(ranked.logit), decimals: 6)
            $0.member("plain_probability", Double(ranked.plainProbability), decimals: 6)
            $0.member("plain_logit", Double(ranked.plainLogit), decimals: 6)
        }
    }
}
