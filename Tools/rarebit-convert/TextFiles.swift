import Evaluation
import Foundation
import ModelFormat
import Text

/// A text file of at most a megabyte.
func readText(_ path: String) throws -> String {
    try checkInput(path)
    guard let handle = FileHandle(forReadingAtPath: path) else {
        throw Failure("\(path): no such file, or not readable; check the path")
    }
    let limit = 1 << 20
    do {
        let data = try handle.read(upToCount: limit + 1) ?? Data()
        if data.count <= limit, let text = String(data: data, encoding: .utf8) {
            return text
        }
    } catch {
        throw Failure("\(path): cannot be read; name a text file")
    }
    throw Failure("\(path): is not a UTF-8 text of at most a megabyte; name another file")
}

/// The lines of a text file, without empty ones at its end.
func readLines(_ path: String) throws -> [String] {
    var lines = try textLines(readText(path))
        .map { $0.trimmingCharacters(in: .whitespaces.union(.controlCharacters)) }
    while lines.last?.isEmpty == true {
        lines.removeLast()
    }
    return lines
}

/// One class's name a line.
func readNames(_ path: String) throws -> [String] {
    let names = try readLines(path)
    for (number, name) in names.enumerated() {
        // Devices refuse a model with such a name: it goes to terminals as it is.
        guard let scalar = name.unicodeScalars.first(where: \.steersTerminals) else { continue }
        throw Failure(
            "\(path): line \(number + 1) has U+\(String(format: "%04X", scalar.value)), which steers terminals; take it out"
        )
    }
    return names
}

/// One number of images a line.
func readCounts(_ path: String) throws -> [Int] {
    try readLines(path).enumerated().map { number, line in
        guard let count = Int(line), (0...Int(Int32.max)).contains(count) else {
            throw Failure("\(path): line \(number + 1) is not a number of images; correct it")
        }
        return count
    }
}

/// One share a line, on any scale.
func readPrior(_ path: String) throws -> [Double] {
    try readLines(path).enumerated().map { number, line in
        guard let share = Double(line), share.isFinite, share >= 0 else {
            throw Failure("\(path): line \(number + 1) is not a number from 0 up; correct it")
        }
        return share
    }
}
