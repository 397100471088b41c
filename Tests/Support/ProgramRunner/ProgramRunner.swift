import Foundation

/// What a finished program left behind.
public struct ProgramResult {
    public let status: Int32
    public let output: String
    public let errors: String

    /// The line on standard error, or nil if there is not exactly one.
    public var errorLine: String? {
        let lines = errors.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.count == 2 && lines[1].isEmpty && !lines[0].isEmpty ? String(lines[0]) : nil
    }
}

/// Runs one of the package's programs, as built beside the tests, to its end.
public func runProgram(_ name: String, _ arguments: [String]) throws -> ProgramResult {
    try run(URL(fileURLWithPath: programPath(name)), arguments)
}

/// Runs a shell script with positional parameters $1...
public func runShell(_ script: String, _ parameters: [String]) throws -> ProgramResult {
    try run(URL(fileURLWithPath: "/bin/sh"), ["-c", script, "sh"] + parameters)
}

/// The path of one of the package's programs: the test program lies in the folder that holds the products.
public func programPath(_ name: String) -> String {
    let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    return tests.deletingLastPathComponent().appendingPathComponent(name).path
}

private func run(_ program: URL, _ arguments: [String]) throws -> ProgramResult {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    // Files rather than pipes: a pipe that nobody empties would stop a talkative program.
    let folder = try TemporaryFolder()
    let (output, errors) = (folder.url.appendingPathComponent("out"), folder.url.appendingPathComponent("err"))
    for file in [output, errors] {
        try Data().write(to: file)
    }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    process.waitUntilExit()
    // A signal is no exit status; tests compare with 0, 1 and 2.
    let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    return ProgramResult(
        status: status, output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
        errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
}

/// A folder of its own for one test, removed with the object.
public final class TemporaryFolder {
    public let url: URL

    public init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("rarebit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    /// The path of a name in the folder.
    public func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Writes a file and returns its path.
    public func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: url.appendingPathComponent(name))
        return path(name)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }
}
