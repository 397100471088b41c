import Camera
import Inference
import ModelFormat
import Pixels
import Text

/// The view of a source's frames, which may have another geometry after a recovery.
struct SourceView: ~Copyable {
    private let view: FrameView
    private var current: View?
    private var generation: UInt32 = 0

    init(_ view: FrameView) {
        self.view = view
    }

    /// To be called before each frame. True where the source's geometry is another than before, or the first.
    mutating func follow<Source: FrameSource & ~Copyable>(
        _ source: borrowing Source, for input: InputRecord
    ) throws(ProgramError) -> Bool {
        guard current == nil || generation != source.generation else { return false }
        current = try View(view, of: source.geometry, for: input)
        generation = source.generation
        return true
    }

    /// See `View.show`; `follow` comes first.
    mutating func show(_ frame: rb_pixels_frame, to engine: Engine) -> Bool {
        current!.show(frame, to: engine)
    }
}

/// The way from frames or pictures of one geometry to the model's input, in memory of its own.
struct View: ~Copyable {
    private let workspace: Memory
    private var preprocessor: Preprocessor

    init(_ view: FrameView, of geometry: FrameGeometry, for input: InputRecord) throws(ProgramError) {
        let (width, height) = (Int(geometry.width), Int(geometry.height))
        guard view.isInside(width: width, height: height) else {
            throw .failure(.cropOutside(width: width, height: height))
        }
        guard
            let bytes = Preprocessor.workspaceBytes(
                input: input, format: geometry.format, width: width, height: height, view: view)
        else { throw .failure(.cannotResize(width: width, height: height)) }
        let workspace = try Memory(count: bytes)
        guard
            let preprocessor = Preprocessor(
                input: input, format: geometry.format, width: width, height: height, colour: geometry.colour,
                view: view, workspace: workspace.bytes)
        else { throw .failure(.cannotResize(width: width, height: height)) }
        self.workspace = workspace
        self.preprocessor = preprocessor
    }

    /// Crops, resizes and quantises a frame into the engine's input. False where it cannot be decoded.
    mutating func show(_ frame: rb_pixels_frame, to engine: Engine) -> Bool {
        var frame = frame
        return preprocessor.run(&frame, into: engine.input)
    }
}
