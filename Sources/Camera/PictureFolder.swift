import Images
import Pixels
import Platform
import Text

/// Why a folder of pictures is no source of frames.
public enum PictureFolderError: Error, Equatable, Sendable {
    /// Linux's error number (positive).
    case unreadable(number: Int32)
    case noMemory(number: Int32)
    /// There is nothing in it but so many sub-folders and hidden files.
    case noFiles(passedOver: Int)
    /// None of its files, which are so many, is a picture that can be read.
    case noPictures(files: Int)
}

/// Pictures from a folder, in the order of their names' bytes: JPEG, PNG and whatever else `Images` reads, told by its content.
///
/// The files are those that were there at the beginning. Sub-folders and hidden files are left out, and counted. What is no
/// picture, is damaged or larger than there is memory for is passed over, counted and named, and the next one has its turn. Each
/// picture may have another size. One at a time is in memory, which is taken at the beginning and never becomes more, but for what
/// the decoders take and give back.
public struct PictureFolder: FrameSource, ~Copyable {
    /// The largest file, bytes.
    public static var mostFileBytes: Int { 32 << 20 }
    /// The most pixels of a picture: as many as a page's clients may send.
    public static var mostPixels: Int { 1 << 25 }

    public private(set) var geometry = FrameGeometry(format: RB_PIXELS_RGB24, width: 0, height: 0, stride: 0)
    public private(set) var generation: UInt32 = 0
    public let mode: CaptureMode? = nil
    public let status = SourceStatus.streaming
    public private(set) var counters = CaptureCounters()
    public let lastRecovery: Recovery? = nil
    public private(set) var failure: SourceFailure?
    private let loops: Bool
    private let listing: rb_listing
    /// Of a file, then of its pixels, then of what the decoder says.
    private let memory: rb_memory
    /// Of the next file among `listing.names`.
    private var index = 0
    /// Files that were looked at.
    private var sequence: UInt32 = 0
    /// Since the folder was begun last.
    private var pictures = 0
    private var isFirstRound = true
    private var notice: PictureNotice?

    /// `loops`: after the last picture comes the first again, as long as there is one.
    public init(path: CText, loops: Bool = false) throws(PictureFolderError) {
        var listing = rb_listing()
        var memory = rb_memory()
        var status = rb_list_files(path.start, &listing)
        guard status == 0 else { throw .unreadable(number: -status) }
        guard listing.count > 0 else {
            rb_free_listing(&listing)
            throw .noFiles(passedOver: listing.folders + listing.hidden)
        }
        status = rb_map_memory(Self.mostFileBytes + 3 * Self.mostPixels + Int(RB_IMAGE_MESSAGE_BYTES), &memory)
        guard status == 0 else {
            rb_free_listing(&listing)
            throw .noMemory(number: -status)
        }
        (self.listing, self.memory, self.loops) = (listing, memory, loops)
    }

    deinit {
        var (listing, memory) = (listing, memory)
        rb_free_listing(&listing)
        rb_unmap(&memory)
    }

    /// How many were left out.
    public var subfolders: Int { listing.folders }
    public var hiddenFiles: Int { listing.hidden }

    /// Pictures follow each other without waiting, whatever the deadline. Their time is when their file was begun to be read.
    /// After a file that is passed over, nothing: ask again.
    public mutating func next(deadline: UInt64) -> Delivery {
        guard failure == nil, !rb_stop_requested(), index < listing.count || beginsAgain() else { return .ended }
        let name = CText(listing.names[index]!)
        let timestamp = rb_clock_ns()
        index += 1
        sequence &+= 1
        do throws(PictureFault) {
            let picture = try read(name)
            pictures += 1
            counters.delivered += 1
            return .frame(
                Frame(
                    picture: picture, sequence: sequence &- 1, timestamp: timestamp, buffer: 0, stream: 0, name: name))
        } catch {
            counters[.undecodableFrame] += 1
            tell(.passedOver(error), of: name)
            return .idle
        }
    }

    public mutating func takeNotice() -> PictureNotice? {
        defer { notice = nil }
        return notice
    }

    public mutating func release(_ frame: consuming Frame) {}

    public mutating func reportUndecodable() {
        counters[.undecodableFrame] += 1
        pictures -= 1
    }

    public mutating func stop() {}

    /// A folder without a picture never does: it has failed.
    private mutating func beginsAgain() -> Bool {
        guard pictures > 0 else {
            failure = .folder(.noPictures(files: listing.count))
            return false
        }
        guard loops else { return false }
        (index, pictures, isFirstRound) = (0, 0, false)
        return true
    }

    // MARK: A file

    private mutating func read(_ name: CText) throws(PictureFault) -> Picture {
        let file = try bytes(of: name)
        let start = file.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let (pixels, message) = (pixels, message)
        var info = rb_image_info()
        message.pointee = 0
        guard rb_image_probe(start, file.count, false, &info, message) == RB_IMAGE_OK else {
            throw .notDecoded(CText(message))
        }
        guard Int(info.width) * Int(info.height) <= Self.mostPixels else {
            throw .tooManyPixels(width: info.width, height: info.height)
        }
        guard rb_image_decode(start, file.count, false, pixels, 3 * Self.mostPixels, message) == RB_IMAGE_OK else {
            throw .notDecoded(CText(message))
        }
        if message.pointee != 0 { tell(.warning(CText(message)), of: name) }
        return picture(width: info.width, height: info.height)
    }

    private func bytes(of name: CText) throws(PictureFault) -> UnsafeRawBufferPointer {
        var state = rb_file_state()
        let descriptor = rb_open_input_in(listing.folder, name.start, &state)
        guard descriptor >= 0 else { throw .unreadable(number: -descriptor) }
        defer { rb_close(descriptor) }
        guard state.count <= UInt64(Self.mostFileBytes) else { throw .tooManyBytes(state.count) }
        let count = rb_read_at(descriptor, 0, memory.bytes, Int(state.count))
        guard count >= 0 else { throw .unreadable(number: Int32(-count)) }
        return UnsafeRawBufferPointer(start: memory.bytes, count: count)
    }

    private var pixels: UnsafeMutablePointer<UInt8> { memory.bytes! + Self.mostFileBytes }

    private var message: UnsafeMutablePointer<CChar> {
        UnsafeMutableRawPointer(pixels + 3 * Self.mostPixels).assumingMemoryBound(to: CChar.self)
    }

    private mutating func picture(width: Int32, height: Int32) -> Picture {
        let shape = FrameGeometry(format: RB_PIXELS_RGB24, width: width, height: height, stride: 3 * width)
        if shape != geometry {
            geometry = shape
            generation &+= 1
        }
        var memories = InlineArray<3, rb_pixels_memory>(repeating: rb_pixels_memory())
        memories[0] = rb_pixels_memory(
            data: UnsafePointer(pixels), bytes_used: 3 * Int(width) * Int(height), data_offset: 0, stride: 3 * width)
        // Rows without gaps, all of them there.
        return Picture(of: shape, in: memories, count: 1)!
    }

    /// Of a folder that comes over and over, once.
    private mutating func tell(_ what: PictureNotice.What, of name: CText) {
        if isFirstRound { notice = PictureNotice(name: name, what: what) }
    }
}

/// Why a file of a folder is no frame.
public enum PictureFault: Error, Equatable, Sendable {
    /// Linux's error number (positive).
    case unreadable(number: Int32)
    case tooManyBytes(UInt64)
    case tooManyPixels(width: Int32, height: Int32)
    /// With the decoder's line.
    case notDecoded(CText)
}

/// What is to be said of a file of a folder.
public struct PictureNotice: Equatable, Sendable {
    public enum What: Equatable, Sendable {
        case passedOver(PictureFault)
        /// What the decoder says of a picture of which it read every pixel.
        case warning(CText)
    }

    public let name: CText
    public let what: What
}

extension PictureFolderError: TextConvertible {
    public var text: Message {
        switch self {
        case .unreadable(let number): "cannot be read: \(systemError: number)"
        case .noMemory(let number): "cannot have the memory for its pictures: \(systemError: number)"
        case .noFiles(0): "the folder is empty; give one with pictures in it"
        case .noFiles(let others):
            "the folder holds no files but hidden ones and sub-folders (\(others)); give one with pictures in it"
        case .noPictures(let files):
            "the folder holds no picture that can be read among its files (\(files)); give JPEG or PNG files"
        }
    }
}

extension PictureNotice: TextConvertible {
    public var text: Message {
        switch what {
        case .passedOver(let fault): "\(name): passed over: \(fault)"
        case .warning(let text): "\(name): warning: \(text)"
        }
    }
}

extension PictureFault: TextConvertible {
    public var text: Message {
        switch self {
        case .unreadable(RB_ENODEV): "is no file, but a device or a pipe"
        case .unreadable(let number): "cannot be read: \(systemError: number)"
        case .tooManyBytes(let count):
            "has \(count) bytes; the most of a file in a folder are \(PictureFolder.mostFileBytes)"
        case .tooManyPixels(let width, let height):
            "has \(width) x \(height) pixels; the most of a picture in a folder are \(PictureFolder.mostPixels)"
        case .notDecoded(let reason): "\(reason)"
        }
    }
}
