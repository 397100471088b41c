import Inference
import ModelFormat
import Text

extension TextWriter where Sink: ~Copyable {
    /// "Sneaker 93.1 %, Sandal 6.2 %, Bag 0.4 %", or "unknown".
    public mutating func append(_ answer: Answer) {
        guard !answer.verdict.isUnknown else { return append("unknown") }
        for place in 0..<answer.verdict.count {
            if place > 0 {
                append(", ")
            }
            let ranked = answer.verdict[place]
            append(bytes: answer.engine.model.className(ranked.index))
            append(" ")
            append(Double(ranked.probability) * 100, decimals: 1)
            append(" %")
        }
    }

    /// The members of a JSON object, without its braces: alpha, whether it is unknown, the ranking, and the checksums of
    /// input and logits. `smoothed`: whether the probabilities are means over pictures.
    public mutating func append(jsonMembersOf answer: Answer, smoothed: Bool = false) {
        append("\"alpha\":")
        append(Double(answer.alpha), decimals: 3)
        if answer.verdict.isUnknown {
            append(",\"unknown\":true")
        }
        append(",\"top\":[")
        for place in 0..<answer.verdict.count {
            if place > 0 {
                append(",")
            }
            append(jsonOf: answer.verdict[place], in: answer.engine.model, smoothed: smoothed)
        }
        append("]")
        if let checksum = answer.inputChecksum {
            append(",\"input_crc\":\"")
            append(hexadecimal: checksum)
            append("\"")
        }
        append(",\"logits_crc\":\"")
        append(hexadecimal: answer.logitsChecksum)
        append("\"")
    }

    private mutating func append(jsonOf ranked: RankedClass, in model: Model, smoothed: Bool) {
        append("{\"class\":")
        append(ranked.index)
        append(",\"name\":")
        append(jsonString: model.className(ranked.index))
        append(",\"probability\":")
        append(Double(ranked.probability), decimals: 6)
        if smoothed {
            append(",\"frame_probability\":")
            append(Double(ranked.frameProbability), decimals: 6)
        }
        append(",\"logit\":")
        append(Double(ranked.logit), decimals: 6)
        append(",\"plain_probability\":")
        append(Double(ranked.plainProbability), decimals: 6)
        append(",\"plain_logit\":")
        append(Double(ranked.plainLogit), decimals: 6)
        append("}")
    }
}
