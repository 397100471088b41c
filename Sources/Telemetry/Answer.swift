import Inference
import ModelFormat

/// What the model says of one picture: the classes of highest adjusted logit.
public struct Answer {
    public let engine: Engine
    public let alpha: Float
    public let ranking: Ranking

    /// Of the engine's last run, with the alpha it ran with.
    public init(of engine: Engine, alpha: Float, top limit: Int) {
        self.engine = engine
        self.alpha = alpha
        ranking = Ranking(of: engine.logits, limit: limit)
    }

    /// CRC-32 of the quantised input tensor: equal on two machines that saw the same picture.
    public var inputChecksum: UInt32 {
        let tensor = engine.model.input.tensor
        let count = Int(tensor.height * tensor.width * tensor.pixelStride)
        return Self.checksum(of: UnsafeRawBufferPointer(start: engine.input, count: count))
    }

    /// CRC-32 of the float32 logits: equal on two machines that computed the same bits.
    public var logitsChecksum: UInt32 { Self.checksum(of: UnsafeRawBufferPointer(engine.logits)) }

    private static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = Checksum()
        checksum.update(bytes)
        return checksum.value
    }
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
