/// A file of weights, of any form that is read.
public enum WeightsFile {
    /// Tensors alone: the network is recognised from their names.
    case checkpoint(Checkpoint)
    /// Tensors and the network.
    case onnx(ONNXModel)

    public init(contentsOf path: String) throws(CheckpointError) {
        try self.init(bytes: readFile(path), externalData: ONNXExternalData.beside(path))
    }

    /// `externalData` gives the files that an ONNX file has numbers in.
    public init(
        bytes: consuming [UInt8], externalData: ONNXExternalData.Source = ONNXExternalData.none
    ) throws(CheckpointError) {
        if FileForm(of: copy bytes) == .onnx {
            self = .onnx(try ONNXModel(bytes: bytes, externalData: externalData))
        } else {
            self = .checkpoint(try Checkpoint(bytes: bytes))
        }
    }
}
