import ModelFormat
import Text

// One line for each refusal: what does not fit, and what to do.

extension InferenceError: TextConvertible {
    public var text: Message {
        switch self {
        case .noUsablePath:
            "the model states no packed size for any instruction set of this processor; convert it again"
        case .pathNotAvailable(let path):
            "this processor cannot execute the \(path.name) kernels; leave the choice to the program"
        case .packedSizeDiffers(let path, let stated, let needed):
            """
            packed weights for \(path.name) need \(needed) bytes but the model states \(stated); convert it again with \
            the converter of this program's release
            """
        case .arenaTooSmall(let needed, let given):
            "the model needs an arena of \(needed) bytes and was given \(given)"
        case .arenaTooLarge(let needed):
            """
            the model needs an arena of \(needed) bytes with this many threads, and \(Layout.maximumBytes) is the most; \
            use fewer threads
            """
        case .arenaMisaligned: "the arena must start at a multiple of 64 bytes"
        }
    }
}

#if !hasFeature(Embedded)
    extension InferenceError: CustomStringConvertible {
        public var description: String { String(text) }
    }
#endif
