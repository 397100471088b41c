import Inference
import ModelFormat
import Pixels
import RarebitHeader

/// What a `rarebit_view` holds.
struct StartedView {
    var preprocessor: Preprocessor
    /// Of the model that it was prepared for.
    let input: InputRecord
    let format: rb_pixels_format
    let width: Int32
    let height: Int32
}

/// A geometry, checked.
private struct Geometry {
    let format: rb_pixels_format
    let width: Int32
    let height: Int32
    var colour = rb_pixels_colour()
    var view = FrameView()

    init(_ geometry: UnsafePointer<rarebit_geometry>?) throws(CallError) {
        guard let geometry = geometry?.pointee else { throw .argument(.missing("geometry")) }
        format = rb_pixels_format_of(geometry.format)
        // What libv4lconvert converts is not in the library: it takes memory from the heap.
        guard format.rawValue < RB_PIXELS_FOREIGN.rawValue else {
            throw .picture(.unknownFormat(geometry.format))
        }
        guard (0...2).contains(geometry.range) else { throw .argument(.outOfRange("range")) }
        guard (0...3).contains(geometry.quarter_turns) else { throw .argument(.outOfRange("quarter_turns")) }
        (width, height) = (geometry.width, geometry.height)
        colour.matrix = geometry.is_bt709 != 0 ? RB_PIXELS_BT709 : RB_PIXELS_BT601
        colour.range = rb_pixels_range(rawValue: numericCast(geometry.range))
        view.quarterTurns = Int(geometry.quarter_turns)
        view.isFlippedHorizontally = geometry.flips_horizontally != 0
        view.isFlippedVertically = geometry.flips_vertically != 0
        if geometry.y16_is_automatic != 0 {
            view.brightness = .automatic
        } else if geometry.y16_high != 0 {
            guard 0...65535 ~= geometry.y16_high, 0..<geometry.y16_high ~= geometry.y16_low else {
                throw .argument(.outOfRange("y16_low or y16_high"))
            }
            view.brightness = .fixed(low: UInt16(geometry.y16_low), high: UInt16(geometry.y16_high))
        }
        if geometry.crop_width != 0 {
            view.crop = PixelRectangle(
                left: Int(geometry.crop_left), top: Int(geometry.crop_top), width: Int(geometry.crop_width),
                height: Int(geometry.crop_height))
        }
    }

    func workspaceBytes(for input: InputRecord) throws(CallError) -> Int {
        guard view.isInside(width: Int(width), height: Int(height)) else {
            throw .picture(.cropOutside(width: width, height: height))
        }
        guard
            let bytes = Preprocessor.workspaceBytes(
                input: input, format: format, width: Int(width), height: Int(height), view: view)
        else { throw .picture(.cannotResize(width: width, height: height)) }
        return bytes
    }
}

@_cdecl("rarebit_view_bytes")
public func viewBytes(
    _ model: UnsafePointer<rarebit_model>?, _ geometry: UnsafePointer<rarebit_geometry>?,
    _ bytes: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<rarebit_error>?
) -> Int32 {
    call(error) { () throws(CallError) in
        let input = try Place(model).filled().pointee.model.input
        guard let bytes else { throw .argument(.missing("bytes")) }
        bytes.pointee = try Geometry(geometry).workspaceBytes(for: input)
    }
}

@_cdecl("rarebit_view_start")
public func startView(
    _ view: UnsafeMutablePointer<rarebit_view>?, _ model: UnsafePointer<rarebit_model>?,
    _ geometry: UnsafePointer<rarebit_geometry>?, _ workspace: UnsafeMutableRawPointer?, _ bytes: Int,
    _ error: UnsafeMutablePointer<rarebit_error>?
) -> Int32 {
    call(error) { () throws(CallError) in
        let place = try Place<StartedView>(view)
        let input = try Place(model).filled().pointee.model.input
        let geometry = try Geometry(geometry)
        let needed = try geometry.workspaceBytes(for: input)
        guard let workspace else { throw .argument(.missing("workspace")) }
        guard Int(bitPattern: workspace) % Layout.alignment == 0 else { throw .argument(.misaligned("workspace")) }
        guard bytes >= needed else { throw .picture(.workspaceTooSmall(needed: needed, given: bytes)) }
        guard
            let preprocessor = Preprocessor(
                input: input, format: geometry.format, width: Int(geometry.width), height: Int(geometry.height),
                colour: geometry.colour, view: geometry.view,
                workspace: UnsafeMutableRawBufferPointer(start: workspace, count: needed))
        else { throw .picture(.cannotResize(width: geometry.width, height: geometry.height)) }
        place.fill(
            with: StartedView(
                preprocessor: preprocessor, input: input, format: geometry.format, width: geometry.width,
                height: geometry.height))
    }
}

@_cdecl("rarebit_show")
public func show(
    _ engine: UnsafeMutablePointer<rarebit_engine>?, _ view: UnsafeMutablePointer<rarebit_view>?,
    _ picture: UnsafePointer<rarebit_picture>?, _ error: UnsafeMutablePointer<rarebit_error>?
) -> Int32 {
    call(error) { () throws(CallError) in
        let engine = try Place(engine).filled().pointee.engine
        let view = try Place(view).filled()
        guard view.pointee.input == engine.model.input else { throw .argument(.otherInput) }
        guard let picture = picture?.pointee else { throw .argument(.missing("picture")) }
        var frame = try view.pointee.frame(of: picture)
        guard view.pointee.preprocessor.run(&frame, into: engine.input) else { throw .picture(.undecodable) }
    }
}

extension StartedView {
    fileprivate func frame(of picture: rarebit_picture) throws(CallError) -> rb_pixels_frame {
        let count = rb_pixels_memories(Int32(format.rawValue))
        let first = picture.stride.0 != 0 ? picture.stride.0 : rb_pixels_min_stride(Int32(format.rawValue), width)
        // Planes of U and of V alone have half the columns.
        let chroma = count == 3 ? (first + 1) / 2 : first
        var memories = InlineArray<3, rb_pixels_memory>(repeating: rb_pixels_memory())
        memories[0] = memory(picture.data.0, picture.bytes.0, stride: first)
        memories[1] = memory(
            picture.data.1, picture.bytes.1, stride: picture.stride.1 != 0 ? picture.stride.1 : chroma)
        memories[2] = memory(
            picture.data.2, picture.bytes.2, stride: picture.stride.2 != 0 ? picture.stride.2 : chroma)
        for index in 0..<Int(count) where memories[index].data == nil {
            throw .argument(.missing("data"))
        }
        var frame = rb_pixels_frame()
        let isWhole = memories.span.withUnsafeBufferPointer {
            rb_pixels_frame_in_memories(format, width, height, $0.baseAddress, count, &frame)
        }
        guard isWhole else { throw .picture(.tooShort) }
        return frame
    }

    private func memory(_ data: UnsafeRawPointer?, _ bytes: Int, stride: Int32) -> rb_pixels_memory {
        rb_pixels_memory(
            data: data?.assumingMemoryBound(to: UInt8.self), bytes_used: bytes, data_offset: 0, stride: stride)
    }
}

@_cdecl("rarebit_input")
public func input(
    _ engine: UnsafeMutablePointer<rarebit_engine>?, _ bytes: UnsafeMutablePointer<Int>?
) -> UnsafeMutablePointer<UInt8>? {
    var tensor: Engine?
    _ = call(nil) { () throws(CallError) in tensor = try Place(engine).filled().pointee.engine }
    bytes?.pointee = tensor?.inputBytes.count ?? 0
    return tensor?.input
}
