import Camera
import Inference
import ModelFormat
import Pixels
import Text

/// The view of a source's frames, which may have another geometry after a recovery.
struct SourceView: ~Copyable {
    /// Fewer of the 256 levels of grey than that are too few to see much.
    private static let leastLevels = 32

    private let view: FrameView
    private var current: View?
    private var generation: UInt32 = 0
    private(set) var geometry = FrameGeometry(format: RB_PIXELS_YUYV, width: 0, height: 0, stride: 0)
    /// Not told yet.
    private var oddity: FrameOddity?
    private var hasToldEnd = false
    private var hasToldSize = false
    private var hasLookedAtBrightness = false

    init(_ view: FrameView) {
        self.view = view
    }

    /// To be called before each frame. True where the source's geometry is another than before, or the first.
    mutating func follow<Source: FrameSource & ~Copyable>(
        _ source: borrowing Source, for input: InputRecord
    ) throws(ProgramError) -> Bool {
        guard current == nil || generation != source.generation else { return false }
        geometry = source.geometry
        current = try View(view, of: geometry, for: input)
        generation = source.generation
        return true
    }

    /// See `View.show`; `follow` comes first. JPEG frames are taken in the size that they have.
    mutating func show(_ frame: rb_pixels_frame, to engine: Engine) -> Bool {
        if current!.show(frame, to: engine) {
            noteEnd()
            noteBrightness(of: frame)
            return true
        }
        let agreed = geometry
        guard followSize(for: engine.model.input), current!.show(frame, to: engine) else { return false }
        if !hasToldSize {
            hasToldSize = true
            oddity = .otherSize(width: geometry.width, height: geometry.height, agreed: agreed)
        }
        noteEnd()
        return true
    }

    /// Where in the frames the model's input comes from; nil before the first.
    func place(of input: InputRecord) -> InputPlace? {
        geometry.width > 0
            ? view.place(width: Int(geometry.width), height: Int(geometry.height), input: input) : nil
    }

    /// What is odd about the frames, once for each kind.
    mutating func takeOddity() -> FrameOddity? {
        defer { oddity = nil }
        return oddity
    }

    private mutating func noteEnd() {
        guard !hasToldEnd, oddity == nil, current!.lastHeader.lacks_end else { return }
        hasToldEnd = true
        oddity = .lacksEnd
    }

    /// The first frame tells, so that looking costs the others nothing.
    private mutating func noteBrightness(of frame: rb_pixels_frame) {
        guard !hasLookedAtBrightness, view.brightness == .whole else { return }
        hasLookedAtBrightness = true
        guard let range = current!.usedBrightness(of: frame) else { return }
        if Int(range.upperBound >> 8) - Int(range.lowerBound >> 8) < Self.leastLevels {
            oddity = .narrowBrightness(range)
        }
    }

    /// Takes on the size of the frame that was refused last. False where that was not the reason, or frames of its size
    /// cannot be seen.
    private mutating func followSize(for input: InputRecord) -> Bool {
        let header = current!.lastHeader
        guard header.width > 0, header.width != geometry.width || header.height != geometry.height else { return false }
        var other = geometry
        (other.width, other.height) = (header.width, header.height)
        do throws(ProgramError) {
            current = try View(view, of: other, for: input)
        } catch {
            return false
        }
        geometry = other
        return true
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

    // What follows changes nothing, but an optional lends what cannot be copied only for changes.

    /// See `Preprocessor.lastHeader`.
    var lastHeader: rb_pixels_jpeg_header { mutating get { preprocessor.lastHeader } }

    /// See `Preprocessor.usedBrightness`.
    mutating func usedBrightness(of frame: rb_pixels_frame) -> ClosedRange<UInt16>? {
        preprocessor.usedBrightness(of: frame)
    }
}
