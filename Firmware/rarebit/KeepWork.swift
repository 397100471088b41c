import Camera
import Inference
import Outputs
import Pixels
import Platform
import Text

/// What the thread does that keeps frames: it takes one after another out of a mailbox, makes a picture file of it, writes it
/// with its record, and says how that went.
///
/// The other thread looks at it before this one has started, and not after.
struct KeepWork: ~Copyable {
    /// The largest frame, bytes: RGB of 4,096 by 2,730 pixels.
    static var mostFrameBytes: Int { 32 << 20 }
    /// Pictures to learn from must not look different from the ones that are answered.
    private static var quality: Int32 { 92 }

    private var folder: FrameFolder
    private var encoder: FrameEncoder
    /// Where pictures are encoded; nothing before the first.
    private var picture = rb_memory()
    private let jobs: OpaquePointer
    private let results: OpaquePointer

    /// `jobs` brings `KeepJob`s, `results` takes `KeepResults`.
    init(folder: consuming FrameFolder, brightness: BrightnessRange, jobs: OpaquePointer, results: OpaquePointer) {
        self.folder = folder
        encoder = FrameEncoder(mostColumns: Int32(RB_PIXELS_MAX_SIDE), quality: Self.quality, brightness: brightness)
        (self.jobs, self.results) = (jobs, results)
    }

    mutating func run() {
        var done = KeepResults()
        var superseded: UInt64 = 0
        while !rb_mailbox_is_over(jobs) {
            rb_mailbox_await(jobs)
            guard let slot = rb_mailbox_take(jobs, &superseded) else { continue }
            done.status = keep(KeepJob.read(from: slot))
            if done.status == 0 { done.kept += 1 } else { done.failed += 1 }
            UnsafeMutableRawPointer(rb_mailbox_writing(results))!.storeBytes(of: done, as: KeepResults.self)
            _ = rb_mailbox_post(results)
        }
    }

    /// 0, or a negative error number.
    private mutating func keep(_ job: KeepJob) -> Int32 {
        guard let picture = wholeJPEG(of: job) ?? encode(job) else { return -RB_ENOMEM }
        do throws(OutputError) {
            try folder.keep(picture: picture, record: job.record, timeOfDay: job.timeOfDay)
            return 0
        } catch {
            return error.status
        }
    }

    /// What the camera gave, where that is a file that every program reads.
    private func wholeJPEG(of job: KeepJob) -> UnsafeRawBufferPointer? {
        guard rb_pixels_is_compressed(Int32(job.geometry.format.rawValue)), let start = job.frame.plane.0 else {
            return nil
        }
        let bytes = UnsafeRawBufferPointer(start: start, count: rb_pixels_jpeg_bytes(start, job.frame.bytes))
        return bytes.isWholeJPEG ? bytes : nil
    }

    private mutating func encode(_ job: KeepJob) -> UnsafeRawBufferPointer? {
        // More than libjpeg makes of any pixels of that quality.
        let bytes = 3 * Int(job.geometry.width) * Int(job.geometry.height) + 65_536
        if picture.count < bytes {
            rb_unmap(&picture)
            guard rb_map_memory(bytes, &picture) == 0 else { return nil }
        }
        guard encoder.prepare(for: job.geometry) else { return nil }
        let count = encoder.encode(job.frame, into: picture.bytes, picture.count)
        return count > 0 ? UnsafeRawBufferPointer(start: picture.bytes, count: count) : nil
    }
}

/// For `rb_thread_start`, with a `KeepWork`.
func runKeepWork(_ work: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    work!.assumingMemoryBound(to: KeepWork.self).pointee.run()
    return nil
}

/// A frame to be kept, in a slot of a mailbox: this, its record, its bytes.
struct KeepJob {
    /// Where the record begins; a multiple of 64.
    static var headerBytes: Int { 256 }

    var frame: rb_pixels_frame
    var geometry: FrameGeometry
    /// Seconds since 1970.
    var timeOfDay: Int64
    /// In the slot too.
    var record: UnsafeRawBufferPointer

    static func read(from slot: UnsafePointer<UInt8>) -> KeepJob { UnsafeRawPointer(slot).load(as: KeepJob.self) }

    func write(to slot: UnsafeMutableRawPointer) { slot.storeBytes(of: self, as: KeepJob.self) }
}

/// How it went so far.
struct KeepResults {
    var kept: UInt64 = 0
    var failed: UInt64 = 0
    /// Of the last frame: 0, or a negative error number.
    var status: Int32 = 0

    var done: UInt64 { kept + failed }
}

extension UnsafeRawBufferPointer {
    /// Whether a JPEG picture brings all its tables, which many cameras leave out, and its end.
    fileprivate var isWholeJPEG: Bool {
        guard count > 4, self[count - 2] == 0xFF, self[count - 1] == 0xD9 else { return false }
        var position = 2
        while position + 4 <= count, self[position] == 0xFF {
            switch self[position + 1] {
            case 0xC4: return true
            case 0xDA: return false
            default: position += 2 + Int(self[position + 2]) << 8 + Int(self[position + 3])
            }
        }
        return false
    }
}
