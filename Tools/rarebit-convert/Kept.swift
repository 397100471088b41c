import ArgumentParser
import Checkpoint
import Foundation

struct Kept: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sum up the frames that rarebit run --keep kept, and sort them for labelling.",
        discussion: """
            With --into, the pictures are copied to a folder for each class that the model named, as --data images: and Tools/train \
            take them. Move those to another folder that show another class. What is there stays as it is.
            """)

    @Argument(help: "The folder that rarebit run --keep wrote.")
    var folder: String
    @Option(
        help: ArgumentHelp("A folder of folders, one for each class; made where it is not there.", valueName: "folder"))
    var into: String?

    func run() throws {
        let frames = try KeptFrames(in: folder)
        print(frames.summary.joined(separator: "\n"))
        guard let into else { return }
        let sorting = try SortedFrames(frames, into: into)
        print(try sorting.copy())
    }
}

/// A frame that was kept: what its record tells.
private struct KeptFrame: Decodable {
    struct Ranked: Decodable {
        let `class`: Int
        let name: String
        let probability: Double
    }

    let time: String
    let reasons: [String]
    let top: [Ranked]

    var day: String { String(time.prefix(10)) }
}

/// The frames of a folder, in the order in which they were kept. A picture or a record alone is none.
private struct KeptFrames {
    let folder: String
    private(set) var frames: [(stem: String, frame: KeptFrame)] = []

    init(in folder: String) throws {
        self.folder = folder
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw Failure("\(folder): no such folder, or not readable; give the one of rarebit run --keep")
        }
        let pictures = Set(names.filter { $0.hasSuffix(".jpg") }.map { String($0.dropLast(4)) })
        let records = names.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
        for stem in records where pictures.contains(stem) {
            guard let text = try? Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(stem).json")),
                let frame = try? JSONDecoder().decode(KeptFrame.self, from: text), !frame.top.isEmpty
            else {
                note("\(folder)/\(printable(stem)).json: is no record of a kept frame and passed over")
                continue
            }
            frames.append((stem, frame))
        }
        let halves = pictures.symmetricDifference(records)
        if !halves.isEmpty {
            note("\(folder): \(halves.count) pictures or records stand alone and are passed over")
        }
        guard !frames.isEmpty else {
            throw Failure("\(folder): holds no kept frames; give the folder of rarebit run --keep")
        }
    }

    var summary: [String] {
        let days = frames.map(\.frame.day)
        var rules: [String: Int] = [:]
        var classes: [String: Int] = [:]
        var byDay: [String: Int] = [:]
        for (_, frame) in frames {
            for reason in frame.reasons { rules[reason, default: 0] += 1 }
            classes[frame.top[0].name, default: 0] += 1
            byDay[frame.day, default: 0] += 1
        }
        return ["\(frames.count) frames, \(days.min()!) to \(days.max()!)"]
            + table("by rule", rules.sorted { ($1.value, $0.key) < ($0.value, $1.key) })
            + table("by predicted class", classes.sorted { ($1.value, $0.key) < ($0.value, $1.key) })
            + table("by day", byDay.sorted { $0.key < $1.key })
    }

    private func table(_ title: String, _ rows: [(key: String, value: Int)]) -> [String] {
        let width = rows.map { printable($0.key).count }.max() ?? 0
        return [title]
            + rows.map { "  \(printable($0.key).padding(toLength: width, withPad: " ", startingAt: 0))  \($0.value)" }
    }
}

/// The frames in folders by predicted class.
private struct SortedFrames {
    private let frames: KeptFrames
    private let root: String
    /// Of each class: its name, or, where a folder cannot be named like every class, its number.
    private let folders: [Int: String]

    init(_ frames: KeptFrames, into root: String) throws {
        (self.frames, self.root) = (frames, root)
        let names = Dictionary(
            frames.frames.map { ($0.frame.top[0].class, $0.frame.top[0].name) }, uniquingKeysWith: { first, _ in first }
        )
        let areUsable = names.values.allSatisfy(Self.canNameFolder) && Set(names.values).count == names.count
        folders = areUsable ? names : names.reduce(into: [:]) { $0[$1.key] = String($1.key) }
        if !areUsable {
            note("\(root): folders are numbered, since not every class's name can name a folder of its own")
        }
    }

    private static func canNameFolder(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix(".") && !name.contains("/") && name.utf8.count <= 200
    }

    /// What was done.
    func copy() throws -> String {
        var (copied, present) = (0, 0)
        for (stem, frame) in frames.frames {
            let folder = "\(root)/\(folders[frame.top[0].class]!)"
            do {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                let picture = try Data(contentsOf: URL(fileURLWithPath: "\(frames.folder)/\(stem).jpg"))
                if try add(picture, to: folder, as: stem) { copied += 1 } else { present += 1 }
            } catch {
                throw Failure(
                    "\(folder): \(stem).jpg cannot be copied there: \(error.localizedDescription); \(copied) others were"
                )
            }
        }
        return "\(root): \(copied) \(copied == 1 ? "picture" : "pictures") copied to \(folders.count) folders"
            + (present > 0 ? ", \(present) were there already" : "")
    }

    /// False where the same picture is in the folder of any class already: whoever labels may have moved it there. A picture of
    /// the same name, as of another camera, stays, and this one gets a name beside it.
    private func add(_ picture: Data, to folder: String, as stem: String) throws -> Bool {
        let folders = try FileManager.default.contentsOfDirectory(atPath: root)
        var number = 1
        while true {
            let name = number == 1 ? "\(stem).jpg" : "\(stem)-\(number).jpg"
            let others = folders.map { "\(root)/\($0)/\(name)" }.filter { FileManager.default.fileExists(atPath: $0) }
            if others.contains(where: { (try? Data(contentsOf: URL(fileURLWithPath: $0))) == picture }) { return false }
            if others.isEmpty {
                // Under another name first, so that nobody sees half of it; a move replaces nothing.
                let part = "\(folder)/.\(name).part"
                try picture.write(to: URL(fileURLWithPath: part))
                try FileManager.default.moveItem(atPath: part, toPath: "\(folder)/\(name)")
                return true
            }
            number += 1
        }
    }
}
