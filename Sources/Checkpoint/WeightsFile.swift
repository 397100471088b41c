/// A file of weights, of any form that is read.
public enum WeightsFile {
    /// Tensors alone: the network is recognised from their names.
    case checkpoint(Checkpoint)
    /// Tensors and the network.
    case onnx(ONNXModel)

    public init(contentsOf path: String) throws(CheckpointError) {
        try self.init(bytes: readFile(path))
    }

    public init(bytes: consuming [UInt8]) throws(CheckpointError) {
        if FileForm(of: copy bytes) == .onnx {
            self = .onnx(try ONNXModel(bytes: bytes))
        } else {
            self = .checkpoint(try Checkpoint(bytes: bytes))
        }
    }
}
