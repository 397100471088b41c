import Inference
import ModelFormat

/// Why a network cannot become an int8 model.
public enum QuantizationError: Error, Equatable, Sendable {
    /// The device has no step that this node of the graph fits into.
    case unsupportedNode(name: String)
    /// The sum over the inputs of one output could pass 2^31.
    case tooManyInputs(layer: String, weightsPerOutput: Int)
    /// More operations than a model file has room for.
    case tooManyNodes(Int, limit: Int)
    /// A size of this layer is none that a device takes.
    case beyondDevice(layer: String, ModelError.Field)
    /// What is computed at once does not fit into the 2 GiB that a device has for it.
    case tooMuchMemory(bytes: Int)
    case noCalibrationImages
    /// The activations are not finite on the calibration images.
    case notFinite(layer: String)
    /// The activations on the calibration images are beyond what a model file can state.
    case outOfRange(layer: String)
    /// The finished file does not pass the check that the device makes before it runs a model, for the numbers of a layer or
    /// for what is not of the network.
    case refused(ModelError, layer: String?)
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
        case .beyondDevice(let layer, let field):
            """
            \(layer) is more than a device takes (\(field.name)): sides and channels end at \(OperationRecord.maximumExtent), \
            windows, strides and dilations at \(OperationRecord.maximumStep); use smaller pictures or change the layer
            """
        case .tooMuchMemory(let bytes):
            "the activations would take \(bytes) bytes at once; use smaller pictures or a narrower network"
        case .noCalibrationImages:
            "there are no calibration images; give --calibrate a data set with a training part"
        case .notFinite(let layer):
            "\(layer) is not finite on the calibration images; check the checkpoint, mean and std"
        case .outOfRange(let layer):
            "\(layer) reaches 10^14 and more on the calibration images; check the checkpoint, mean and std"
        case .refused(let error, nil):
            "a device would refuse the model (\(error)); check class names and the classifier"
        case .refused(let error, let layer?):
            "a device would refuse the numbers of \(layer) (\(error)); check the checkpoint, mean and std"
        }
    }
}
