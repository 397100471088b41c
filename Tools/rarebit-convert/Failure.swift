import Evaluation
import Foundation
import Synchronization

/// The work failed: what, where and what to do about it, in one line.
struct Failure: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }

    /// `error` says what and what to do; `path` is where.
    init(_ path: String, _ error: some Error) {
        message = "\(path): \(error)"
    }
}

/// The command line cannot be carried out as it stands.
struct UsageFailure: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }
}

/// Runs `body`, whose errors are about the file at `path`.
func inFile<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
    do {
        return try body()
    } catch let error as DataError {
        // Data errors know their own path.
        throw Failure("\(error)")
    } catch let error as Failure {
        throw error
    } catch let error as UsageFailure {
        throw error
    } catch {
        throw Failure(path, error)
    }
}

/// Writes to standard error, where there is one: nobody may be there to read it, which stops no work.
func say(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
}

private let said = Mutex(Set<String>())

/// Says something on standard error that does not stop the work; the same only once.
func note(_ text: String) {
    guard said.withLock({ $0.insert(text).inserted }) else { return }
    say("rarebit-convert: note: \(text)\n")
}
