import Checkpoint

/// The backbones that can be built from a checkpoint; the raw value is the name on the command line.
public enum Architecture: String, CaseIterable, Sendable {
    case twoBranchResNet32 = "two-branch-resnet32"

    /// The architecture that the names of a checkpoint's tensors are of. Throws `GraphError.unknownArchitecture`.
    public static func recognise(_ state: ReferenceState) throws(GraphError) -> Architecture {
        guard state.features["cb_block.conv1.weight"] != nil || state.features["rb_block.conv1.weight"] != nil else {
            throw .unknownArchitecture
        }
        return .twoBranchResNet32
    }

    /// The network with this checkpoint's parameters, for images of `height` by `width` pixels.
    public func graph(of state: ReferenceState, height: Int, width: Int) throws(GraphError) -> FloatGraph {
        switch self {
        case .twoBranchResNet32:
            try makeTwoBranchResNet32(state.features, height: height, width: width)
        }
    }
}
