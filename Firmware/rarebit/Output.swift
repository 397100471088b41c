import Outputs
import Text

/// Standard output. A record reaches the reader whole at `endRecord`.
struct Output: ~Copyable {
    var writer = TextWriter(DescriptorSink.standardOutput)

    mutating func endRecord() throws(ProgramError) {
        writer.flush()
        guard writer.sink.status == 0 else { throw .failure(.output(status: writer.sink.status)) }
    }

    consuming func finish() throws(ProgramError) {
        let status = writer.finish().status
        guard status == 0 else { throw .failure(.output(status: status)) }
    }
}
