import Platform
import Text

/// A folder of kept frames, each a picture and a record of it. Both are there or neither, whatever becomes of disk and power:
/// they are written under other names, brought to the disk and then renamed, and a lone half is removed when the folder is
/// opened. Where there would be more than the limit allows, the oldest go first. Files of other names are left alone.
public struct FrameFolder: ~Copyable {
    public struct Limit: Equatable, Sendable {
        /// Of all files of the folder's frames together.
        public var bytes: UInt64
        /// 1...`mostFrames`.
        public var frames: Int

        public init(bytes: UInt64, frames: Int) {
            (self.bytes, self.frames) = (bytes, frames)
        }

        public static var mostFrames: Int { 1_000_000 }
    }

    private var contents: Contents

    public var count: Int { contents.frames.count }
    /// What the frames' files hold.
    public var bytes: UInt64 { contents.bytes }

    /// The memory that a folder needs, bytes.
    public static func byteCount(_ limit: Limit) -> Int { OldestFirst.byteCount(limit.frames + 1) }

    /// Makes the folder where it is not there, and removes what is more than the limit allows. `memory`: 8-byte aligned,
    /// `byteCount`, kept as long as the folder. Throws -RB_EBUSY where another program keeps frames there.
    public init(path: CText, _ limit: Limit, memory: UnsafeMutableRawBufferPointer) throws(OutputError) {
        precondition((1...Limit.mostFrames).contains(limit.frames))
        let folder = rb_own_folder(path.start)
        guard folder >= 0 else { throw OutputError(status: folder) }
        var contents = Contents(folder: folder, limit: limit, frames: OldestFirst(memory: memory))
        let status = withUnsafeMutablePointer(to: &contents) { rb_each_name(folder, takeName, $0) }
        guard status == 0 else {
            rb_close(folder)
            throw OutputError(status: status)
        }
        contents.makeRoom(for: 0, frames: 0)
        self.contents = contents
    }

    deinit { rb_close(contents.folder) }

    /// Keeps a frame, or leaves everything as it was but for the oldest frames, which may have made room for it.
    /// `timeOfDay`: seconds since 1970.
    public mutating func keep(
        picture: UnsafeRawBufferPointer, record: UnsafeRawBufferPointer, timeOfDay: Int64
    ) throws(OutputError) {
        try contents.keep(picture: picture, record: record, timeOfDay: timeOfDay)
    }
}

private struct Contents {
    let folder: Int32
    let limit: FrameFolder.Limit
    var frames: OldestFirst
    var bytes: UInt64 = 0
    private var nextNumber: UInt32 = 0

    init(folder: Int32, limit: FrameFolder.Limit, frames: OldestFirst) {
        (self.folder, self.limit, self.frames) = (folder, limit, frames)
    }

    mutating func keep(
        picture: UnsafeRawBufferPointer, record: UnsafeRawBufferPointer, timeOfDay: Int64
    ) throws(OutputError) {
        let count = UInt64(picture.count + record.count)
        guard count <= limit.bytes, count <= UInt64(UInt32.max) else { throw OutputError(status: -RB_EFBIG) }
        makeRoom(for: count, frames: 1)
        let name = KeptFileName(number: nextNumber, timeOfDay: timeOfDay)
        do throws(OutputError) {
            try write(picture, to: name, .partialPicture)
            try write(record, to: name, .partialRecord)
            // The record comes last: whoever sees it can read the picture.
            try rename(name, .partialPicture, .picture)
            try rename(name, .partialRecord, .record)
        } catch {
            // Nothing is left of what was not whole.
            remove(name, .partialRecord)
            remove(name, .partialPicture)
            remove(name, .picture)
            throw error
        }
        nextNumber += 1
        frames.insert(KeptFrame(name: name, bytes: UInt32(count)))
        bytes += count
        try check(rb_sync_folder(folder))
    }

    mutating func makeRoom(for bytes: UInt64, frames count: Int) {
        while frames.count > 0, frames.count + count > limit.frames || self.bytes + bytes > limit.bytes {
            let oldest = frames.removeFirst()
            // In this order what is left of a cut between the two is a picture that nothing tells of.
            remove(oldest.name, .record)
            remove(oldest.name, .picture)
            self.bytes -= UInt64(oldest.bytes)
        }
    }

    // MARK: Files

    private func write(
        _ bytes: UnsafeRawBufferPointer, to name: KeptFileName, _ kind: KeptFileName.Kind
    ) throws(OutputError) {
        try check(name.withFile(kind) { rb_write_in(folder, $0, bytes.baseAddress, bytes.count) })
    }

    private func rename(
        _ name: KeptFileName, _ from: KeptFileName.Kind, _ to: KeptFileName.Kind
    ) throws(OutputError) {
        try check(name.withFile(from) { from in name.withFile(to) { rb_rename_in(folder, from, $0) } })
    }

    private func remove(_ name: KeptFileName, _ kind: KeptFileName.Kind) {
        _ = name.withFile(kind) { rb_remove_in(folder, $0) }
    }

    private func check(_ status: Int32) throws(OutputError) {
        if status != 0 { throw OutputError(status: status) }
    }

    // MARK: What is there already

    mutating func take(_ file: CText) {
        guard let (name, kind) = KeptFileName.read(file) else { return }
        nextNumber = max(nextNumber, name.number == .max ? .max : name.number + 1)
        let other: KeptFileName.Kind = kind == .picture ? .record : .picture
        let isWhole = (kind == .picture || kind == .record) && byteCount(name, other) >= 0
        guard isWhole else { return remove(name, kind) }
        // Once for the two.
        guard kind == .record else { return }
        let count = byteCount(name, .picture) + max(byteCount(name, .record), 0)
        if frames.count > limit.frames { makeRoom(for: 0, frames: 0) }
        frames.insert(KeptFrame(name: name, bytes: UInt32(clamping: count)))
        bytes += UInt64(UInt32(clamping: count))
    }

    private func byteCount(_ name: KeptFileName, _ kind: KeptFileName.Kind) -> Int64 {
        name.withFile(kind) { rb_bytes_in(folder, $0) }
    }
}

/// For `rb_each_name`, with the `Contents` of a folder.
private func takeName(_ folder: UnsafeMutableRawPointer?, _ name: UnsafePointer<CChar>?) {
    folder!.assumingMemoryBound(to: Contents.self).pointee.take(CText(name!))
}

private struct KeptFrame {
    let name: KeptFileName
    /// Of both files.
    let bytes: UInt32
}

/// Frames of which the one of the lowest number is at hand: a binary heap, since a folder gives its files in no order.
private struct OldestFirst {
    private let frames: UnsafeMutableBufferPointer<KeptFrame>
    private(set) var count = 0

    static func byteCount(_ frames: Int) -> Int { frames * MemoryLayout<KeptFrame>.stride }

    init(memory: UnsafeMutableRawBufferPointer) {
        frames = memory.bindMemory(to: KeptFrame.self)
    }

    mutating func insert(_ frame: KeptFrame) {
        var place = count
        count += 1
        while place > 0, frames[(place - 1) / 2].name.number > frame.name.number {
            frames[place] = frames[(place - 1) / 2]
            place = (place - 1) / 2
        }
        frames[place] = frame
    }

    mutating func removeFirst() -> KeptFrame {
        let first = frames[0]
        count -= 1
        let last = frames[count]
        var place = 0
        while 2 * place + 1 < count {
            var child = 2 * place + 1
            if child + 1 < count, frames[child + 1].name.number < frames[child].name.number { child += 1 }
            guard frames[child].name.number < last.name.number else { break }
            frames[place] = frames[child]
            place = child
        }
        frames[place] = last
        return first
    }
}
