import ModelFormat

/// Why a network cannot become an int8 model.
public enum QuantizationError: Error, Equatable, Sendable {
    /// The device has no step that this node of the graph fits into.
    case unsupportedNode(name: String)
    /// The sum over the inputs of one output could pass 2^31.
    case tooManyInputs(layer: String, weightsPerOutput: Int)
    /// More operations than a model file has room for.
    case tooManyNodes(Int, limit: Int)
    /// What is computed at once does not fit into the 4 GB that a model file can address.
    case tooMuchMemory(bytes: Int)
    case noCalibrationImages
    /// The activations are not finite on the calibration images.
    case notFinite(layer: String)
    /// The finished file does not pass the check that the device makes before it runs a model.
    case refused(ModelError)
}

extension QuantizationError: CustomStringConvertible {
    /// One line: what is wrong and what to do, without the file's path, which the caller knows.
    public var description: String {
        switch self {
        case .unsupportedNode(let name):
            "\(name) cannot be expressed as a step of the int8 model; use another architecture"
        case .tooManyInputs(let layer, let weightsPerOutput):
            "\(layer) has \(weightsPerOutput) weights for one output, which could overflow 32 bits; use a narrower network"
        case .tooManyNodes(let count, let limit):
            "the network has \(count) operations, more than the \(limit) of a model; use a shallower network"
        case .tooMuchMemory(let bytes):
            "the activations would take \(bytes) bytes at once; use smaller pictures or a narrower network"
        case .noCalibrationImages:
            "there are no calibration images; give --calibrate a data set with a training part"
        case .notFinite(let layer):
            "\(layer) is not finite on the calibration images; check the checkpoint, mean and std"
        case .refused(let error):
            "the finished model would be refused by the device (\(error)); check class names and sizes"
        }
    }
}
