extension FloatGraph {
    /// The same network with every batch normalisation that follows a convolution multiplied into that convolution:
    /// w' = w * factor and b' = b * factor + offset for each output channel, in double.
    ///
    /// A normalisation elsewhere stays, and so does one whose convolution something else reads too.
    public func foldingBatchNorms() -> FloatGraph {
        let readers = readers()
        var folded = FloatGraph(input: self[input].shape)
        var renamed = [folded.input]
        for node in nodes.dropFirst() {
            let inputs = node.inputs.map { renamed[$0.index] }
            if case .batchNorm(let norm) = node.operation, readers[node.inputs[0].index].count == 1,
                case .convolution(let convolution) = folded[inputs[0]].operation
            {
                folded.replaceConvolution(inputs[0], with: convolution.followed(by: norm))
                renamed.append(inputs[0])
            } else {
                renamed.append(folded.append(node, reading: inputs))
            }
        }
        return folded
    }
}

extension Convolution {
    fileprivate func followed(by norm: BatchNorm) -> Convolution {
        var result = self
        let weightsPerOutput = weightsPerOutput
        result.weights.withUnsafeMutableBufferPointer { weights in
            for output in 0..<outputChannels {
                let (factor, offset) = norm.affine(output)
                for index in output * weightsPerOutput..<(output + 1) * weightsPerOutput {
                    weights[index] = Float(Double(weights[index]) * factor)
                }
                result.bias[output] = Float(Double(bias[output]) * factor + offset)
            }
        }
        return result
    }
}
