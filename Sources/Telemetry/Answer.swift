import Inference
import ModelFormat

/// What the model says of one picture: the classes of highest adjusted logit.
public struct Answer {
    public let engine: Engine
    public let alpha: Float
    public let ranking: Ranking
    /// CRC-32 of the quantised input tensor: equal on two machines that saw the same picture.
    public let inputChecksum: UInt32

    /// Runs the engine on its input.
    public init(running engine: Engine, alpha: Float, top limit: Int) {
        // Before the run, which reuses the input's memory.
        inputChecksum = Checksum.of(engine.inputBytes)
        engine.run(alpha: alpha)
        self.engine = engine
        self.alpha = alpha
        ranking = Ranking(of: engine.logits, limit: limit)
    }

    /// CRC-32 of the float32 logits: equal on two machines that computed the same bits.
    public var logitsChecksum: UInt32 { Checksum.of(UnsafeRawBufferPointer(engine.logits)) }
}

extension TextWriter where Sink: ~Copyable {
    /// "Sneaker 93.1 %, Sandal 6.2 %, Bag 0.4 %"
    public mutating func append(_ answer: Answer) {
        for place in 0..<answer.ranking.count {
            if place > 0 {
                append(", ")
            }
            let index = answer.ranking[place]
            append(bytes: answer.engine.model.className(index))
            append(" ")
            append(Double(answer.engine.probabilities[index]) * 100, decimals: 1)
            append(" %")
        }
    }

    /// The members of a JSON object, without its braces: alpha, the ranking, and the checksums of input and logits.
    public mutating func append(jsonMembersOf answer: Answer) {
        append("\"alpha\":")
        append(Double(answer.alpha), decimals: 3)
        append(",\"top\":[")
        for place in 0..<answer.ranking.count {
            if place > 0 {
                append(",")
            }
            let index = answer.ranking[place]
            append("{\"class\":")
            append(index)
            append(",\"name\":")
            append(jsonString: answer.engine.model.className(index))
            append(",\"probability\":")
            append(Double(answer.engine.probabilities[index]), decimals: 6)
            append(",\"logit\":")
            append(Double(answer.engine.logits[index]), decimals: 6)
            append("}")
        }
        append("],\"input_crc\":\"")
        append(hexadecimal: answer.inputChecksum)
        append("\",\"logits_crc\":\"")
        append(hexadecimal: answer.logitsChecksum)
        append("\"")
    }
}
