import Foundation
import Platform
import Testing

/// A path in the temporary folder, gone again afterwards.
private func withTemporaryPath(_ body: (String) throws -> Void) rethrows {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("rarebit-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
}

private func text(_ error: Int32) -> String { String(cString: rb_error_text(error)) }

@Test func argumentsAreThoseOfTheProcess() {
    #expect((0..<rb_argument_count()).map { String(cString: rb_argument($0)) } == CommandLine.arguments)
    #expect(rb_argument(rb_argument_count()) == nil)
    #expect(rb_argument(-1) == nil)
}

@Test func aFileIsReadAtAnyPlace() throws {
    try withTemporaryPath { path in
        let content = (0..<10_001).map { UInt8(truncatingIfNeeded: $0) }
        try Data(content).write(to: URL(fileURLWithPath: path))
        var state = rb_file_state()
        let descriptor = rb_open_input(path, &state)
        defer { rb_close(descriptor) }
        #expect(descriptor >= 0 && state.count == 10_001)
        var bytes = [UInt8](repeating: 0, count: 20_000)
        #expect(rb_read_at(descriptor, 0, &bytes, bytes.count) == 10_001)
        #expect(Array(bytes.prefix(10_001)) == content)
        #expect(rb_read_at(descriptor, 10_000, &bytes, 5) == 1 && bytes[0] == content[10_000])
        #expect(rb_read_at(descriptor, 10_001, &bytes, 5) == 0)
    }
}

@Test func aFileTellsThatItWasWrittenTo() throws {
    try withTemporaryPath { path in
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path))
        var (before, after) = (rb_file_state(), rb_file_state())
        let descriptor = rb_open_input(path, &before)
        defer { rb_close(descriptor) }
        #expect(rb_file_state_of(descriptor, &after) == 0 && after.count == before.count)
        #expect(after.changed_s == before.changed_s && after.changed_ns == before.changed_ns)
        #expect(truncate(path, 2) == 0 && rb_file_state_of(descriptor, &after) == 0)
        #expect(after.count == 2)
    }
}

@Test func whatIsNoRegularFileIsRefusedWithoutWaiting() {
    var state = rb_file_state()
    #expect(rb_open_input("/nonexistent/file", &state) == -RB_ENOENT)
    #expect(text(rb_open_input("/", &state)) == "Is a directory")
    #expect(rb_open_input("/dev/null", &state) == -RB_ENODEV)
    withTemporaryPath { path in
        #expect(mkfifo(path, 0o600) == 0)
        #expect(rb_open_input(path, &state) == -RB_ENODEV)
    }
}

@Test func pagesThatAreGivenBackReadAsZeros() {
    var memory = rb_memory()
    #expect(rb_map_memory(3 * 65_536, &memory) == 0)
    defer { rb_unmap(&memory) }
    memset(memory.bytes, 1, memory.count)
    // From the middle of the first to the middle of the last: what lies between, and whole pages alone.
    let given = rb_give_back(memory.bytes + 100, 2 * 65_536)
    #expect(given == 2 * 65_536 - 100)
    #expect(memory.bytes[99] == 1 && memory.bytes[100] == 1 && memory.bytes[65_535 + 100] == 0)
    #expect(memory.bytes[2 * 65_536 - 1] == 0 && memory.bytes[2 * 65_536] == 1)
    #expect(rb_give_back(memory.bytes + 1, 10) == 0 && memory.bytes[1] == 1)
}

@Test func mappedMemoryIsZeroedWritableAndExactlyCounted() {
    var memory = rb_memory()
    #expect(rb_map_memory(70_001, &memory) == 0)
    #expect(memory.count == 70_001)
    let bytes = UnsafeMutableBufferPointer(start: memory.bytes, count: memory.count)
    #expect(bytes.allSatisfy { $0 == 0 })
    bytes[70_000] = 1
    rb_unmap(&memory)
    #expect(rb_map_memory(.max, &memory) < 0)
}

@Test func writingReachesTheOtherEndOfAPipeOrSaysWhyNot() {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    #expect(rb_write_all(ends[1], "frame", 5) == 0)
    var happened: Int16 = 0
    #expect(rb_wait_for(ends[0], Int16(POLLIN), rb_clock_ns() + 10_000_000_000, &happened) == 0)
    #expect(happened == POLLIN)
    var received = [UInt8](repeating: 0, count: 8)
    #expect(read(ends[0], &received, 8) == 5)
    #expect(Array(received.prefix(5)) == Array("frame".utf8))
    #expect(!rb_is_terminal(ends[1]) && rb_terminal_columns(ends[1]) == 0)
    rb_close(ends[0])
    rb_close(ends[1])
    #expect(text(rb_write_all(ends[1], "frame", 5)) == "Bad file descriptor")
}

@Test func waitingEndsAtTheDeadline() {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let start = rb_clock_ns()
    var happened: Int16 = 0
    #expect(rb_wait_for(ends[0], Int16(POLLIN), start + 2_000_000, &happened) == -RB_ETIMEDOUT)
    #expect(rb_clock_ns() >= start + 2_000_000)
    #expect(rb_wait_for(ends[0], Int16(POLLIN), 0, &happened) == -RB_ETIMEDOUT)
    #expect(happened == 0)
    rb_close(ends[0])
    rb_close(ends[1])
}

@Test func errorsHaveTextAndUnknownOnesToo() {
    #expect(text(RB_ENOENT) == "No such file or directory")
    #expect(text(-RB_ENODEV) == "No such device")
    #expect(text(9999) == "Unknown error")
}

@Test func videoNodesAreNumberedPaths() {
    var path = [CChar](repeating: 1, count: RB_V4L2_PATH_BYTES)
    for number in [0, 9, 10, 255] as [Int32] {
        rb_v4l2_node_path(number, &path)
        #expect(path.withUnsafeBufferPointer { String(cString: $0.baseAddress!) } == "/dev/video\(number)")
    }
    #expect(rb_v4l2_next_node(256) == -1)
}

@Test func aFileThatIsNoVideoNodeAnswersNoVideoCall() {
    let descriptor = rb_v4l2_open("/dev/null")
    #expect(descriptor >= 0)
    var capability = rb_v4l2_capability()
    var format = rb_v4l2_format()
    var buffer = rb_v4l2_buffer()
    #expect(rb_v4l2_query(descriptor, &capability) == -RB_ENOTTY)
    for hasPlanes in [false, true] {
        let node = rb_v4l2_node(descriptor: descriptor, has_planes: hasPlanes)
        #expect(rb_v4l2_get_format(node, &format) == -RB_ENOTTY)
        #expect(rb_v4l2_dequeue(node, 1, &buffer) == -RB_ENOTTY)
        #expect(rb_v4l2_stream_on(node) == -RB_ENOTTY)
    }
    rb_close(descriptor)
    #expect(rb_v4l2_open("/nonexistent/video0") == -RB_ENOENT)
}
