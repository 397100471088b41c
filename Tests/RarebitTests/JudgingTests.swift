import Foundation
import ModelFormat
import ProgramRunner
import Testing
import TinyModel

/// A model, a picture and a recording of it in a folder. `change`: of the model.
private struct Setting {
    let folder: TemporaryFolder
    let model: String
    let picture: String
    let frames: String

    init(frames count: Int = 1, change: (inout ModelContents) -> Void = { _ in }) throws {
        folder = try TemporaryFolder()
        var contents = TinyModel.contents
        contents.classCounts = [50, 10, 5, 1]
        contents.classNames = ["lorry", "empty", "van: small", "7"]
        change(&contents)
        model = try folder.write(contents.serialized(), to: "model.rbit")
        picture = try folder.write(Array("P5\n1 1\n255\n".utf8) + [90], to: "picture.pgm")
        frames = try folder.write(greyRecording(brightness: [UInt8](repeating: 90, count: count)), to: "frames")
    }

    func classify(_ options: String...) throws -> Answer {
        let result = try runProgram("rarebit", ["classify", model, picture, "--json", "--top", "4"] + options)
        #expect(result.status == 0, "\(result.errors)")
        return try Answer(result.output)
    }

    func refusal(_ options: String...) throws -> String {
        let result = try runProgram("rarebit", ["classify", model, picture] + options)
        #expect(result.status != 0 && result.output == "")
        return try #require(result.errorLine)
    }
}

private struct Answer {
    let record: [String: Any]
    let top: [[String: Any]]

    init(_ line: String) throws { try self.init(event(line)) }

    init(_ record: [String: Any]) throws {
        self.record = record
        top = try #require(record["top"] as? [[String: Any]])
    }

    var isUnknown: Bool { record["unknown"] as? Bool ?? false }

    /// By class.
    func numbers(_ name: String) -> [Double] {
        let byClass = top.map { ($0["class"] as? Int ?? -1, $0[name] as? Double ?? .nan) }
        return byClass.sorted { $0.0 < $1.0 }.map(\.1)
    }
}

private func event(_ line: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
}

private func expectClose(_ found: [Double], _ expected: [Double], _ tolerance: Double = 1e-5) {
    #expect(found.count == expected.count)
    for (found, expected) in zip(found, expected) { #expect(abs(found - expected) < tolerance) }
}

private func shares(_ numbers: [Double]) -> [Double] { numbers.map { $0 / numbers.reduce(0, +) } }

@Suite struct ThresholdsOfClasses {
    @Test func areGivenByNameOrNumberOrInAFile() throws {
        let setting = try Setting()
        let best = try #require(setting.classify().top.first)
        let (number, probability) = (try #require(best["class"] as? Int), try #require(best["probability"] as? Double))
        let (above, below) = (String(format: "%.5f", probability + 1e-4), String(format: "%.5f", probability - 1e-4))
        // The class that is called 7 has the number 3.
        let name = ["lorry", "empty", "van: small", "7"][number]
        for item in [name, number == 3 ? "3" : "\(number)"] {
            #expect(try setting.classify("--thresholds", "\(item):\(above)").isUnknown)
            #expect(try !setting.classify("--thresholds", "\(item):\(below)", "--threshold", "1").isUnknown)
        }
        let file = try setting.folder.write(
            Array("# each by itself\r\n\(name) = \(above) # high\n\n".utf8), to: "thresholds")
        #expect(try setting.classify("--thresholds", "file:\(file)").isUnknown)
        #expect(try !setting.classify("--thresholds", "\((number + 1) % 3):1").isUnknown)
    }

    @Test func areRefusedInOneLine() throws {
        let setting = try Setting()
        #expect(
            try setting.refusal("--thresholds", "bus:0.5")
                == "rarebit: --thresholds: 'bus' is no class of the model; rarebit info lists them")
        for wrong in ["lorry", "lorry:2", "lorry:-1", "lorry:x", "lorry:", ""] {
            let line = try setting.refusal("--thresholds", wrong)
            #expect(line.hasPrefix("rarebit: --thresholds: '\(wrong)' is no threshold of a class; give CLASS:P"))
        }
        let file = try setting.folder.write(Array("lorry = 0.5\nempty = 7\n".utf8), to: "thresholds")
        #expect(
            try setting.refusal("--thresholds", "file:\(file)")
                == "rarebit: \(file):2: thresholds: '7' is out of range; give 0...1")
    }
}

@Suite struct ExemptedClasses {
    @Test func keepTheirPlainProbability() throws {
        let setting = try Setting()
        let plain = try setting.classify("--alpha", "0").numbers("probability")
        let exempted = try setting.classify("--alpha", "3", "--exempt", "empty").numbers("probability")
        let adjusted = try setting.classify("--alpha", "3").numbers("probability")
        #expect(abs(adjusted[1] - plain[1]) > 1e-3)
        #expect(abs(exempted[1] - plain[1]) < 1e-5)
        // The others share the rest as the adjustment has it.
        let others = shares([adjusted[0], adjusted[2], adjusted[3]]).map { $0 * (1 - plain[1]) }
        expectClose([exempted[0], exempted[2], exempted[3]], others)
    }

    @Test func areThoseOfTheModelUnlessGiven() throws {
        let (plain, model) = (try Setting(), try Setting { $0.exemptedClasses = [1] })
        let given = try plain.classify("--alpha", "3", "--exempt", "1").numbers("probability")
        #expect(try model.classify("--alpha", "3").numbers("probability") == given)
        #expect(
            try model.classify("--alpha", "3", "--exempt", "-").numbers("probability")
                == plain.classify("--alpha", "3").numbers("probability"))
        let line = try plain.refusal("--exempt", "lorry,empty,2,7")
        #expect(line == "rarebit: --exempt: at least one class must not be exempted")
    }
}

@Suite struct TheMixOfClasses {
    @Test func isThatOfAFile() throws {
        let setting = try Setting()
        let before = try setting.classify("--alpha", "0").numbers("probability")
        let file = try setting.folder.write(Array("10\n1\r\n0.5\n4\n\n".utf8), to: "prior")
        let after = try setting.classify("--alpha", "0", "--prior", file)
        let counts: [Double] = [50, 10, 5, 1]
        expectClose(
            after.numbers("probability"), shares(zip(before, zip([10, 1, 0.5, 4], counts)).map { $0 * $1.0 / $1.1 }))
        #expect(try setting.classify("--alpha", "0", "--prior", "none").numbers("probability") == before)
    }

    @Test func isRefusedInOneLineWhereItCannotBe() throws {
        let setting = try Setting()
        func file(_ text: String) throws -> String { try setting.folder.write(Array(text.utf8), to: "prior") }
        let four = try file("1\n1\n1\n1\n")
        let without = try Setting { $0.classCounts = [] }
        #expect(
            try without.refusal("--prior", four)
                == "rarebit: --prior: the model does not say how many training images its classes had; convert it again with --class-counts"
        )
        let rare = try Setting { $0.classCounts = [5, 0, 1, 1] }
        #expect(
            try rare.refusal("--prior", four)
                == "rarebit: --prior: class 1 had no training images, so that nothing can be told of its frequency; convert without it"
        )
        let adjusted = try Setting { $0.provenance += "adjustment: logit-adjustment, strength 1; alpha is 0\n" }
        #expect(try adjusted.refusal("--prior", four).contains("were adjusted for the frequency of classes"))
        let path = try file("1\n0\n1\n1\n")
        #expect(
            try setting.refusal("--prior", path)
                == "rarebit: --prior: \(path):2: is no number above 0; give one a line, in the order of the classes")
        _ = try file("1\n1\n1\n")
        #expect(try setting.refusal("--prior", path).contains("has 3 numbers for 4 classes"))
        #expect(
            try setting.refusal("--prior", setting.folder.path("none"))
                == "rarebit: \(setting.folder.path("none")): cannot be read: No such file or directory")
        #expect(try setting.refusal("--prior", "estimate").contains("made from confirmed sightings"))
    }

    /// Frames of two classes in turns: with a window of one frame each is a sighting.
    @Test func isEstimatedFromSightingsAndToldBeforeItIsUsed() throws {
        let setting = try Setting()
        func records(_ brightness: [UInt8], _ options: String...) throws -> [[String: Any]] {
            let frames = try setting.folder.write(greyRecording(brightness: brightness), to: "film")
            let result = try runProgram(
                "rarebit", ["run", setting.model, "--frames", frames, "--json", "--alpha", "0", "--top", "4"] + options)
            #expect(result.status == 0, "\(result.errors)")
            return try result.output.split(separator: "\n").map { try event(String($0)) }
        }
        func best(_ record: [String: Any]) -> Int? { (record["top"] as? [[String: Any]])?.first?["class"] as? Int }
        let all = try records([UInt8](0...255)).dropLast().map { best($0)! }
        let other = try #require(all.firstIndex { $0 != all[0] })
        let film = (0..<40).map { UInt8($0 % 2 == 0 ? 0 : other) }
        let told = try records(film, "--confirm", "1/1", "--prior", "estimate")
        let events = told.filter { $0["event"] as? String == "prior" }
        #expect(events.prefix(3).map { $0["sightings"] as? Int } == [10, 20, 30])
        #expect(events.prefix(3).map { $0["used"] as? Bool } == [false, false, true])
        // Up to its event answers are as without it, then they are for the mix that was told.
        let plain = try records(film, "--confirm", "1/1").filter { $0["event"] == nil }
        let answers = told.filter { $0["event"] == nil }
        #expect(answers.count == 40 && plain.count == 40)
        func probabilities(_ record: [String: Any]) throws -> [Double] {
            try Answer(record).numbers("probability")
        }
        for frame in 0..<30 { #expect(try probabilities(answers[frame]) == probabilities(plain[frame])) }
        let told30 = try #require(events[2]["top"] as? [[String: Any]])
        var share = [Double](repeating: 0, count: 4)
        for one in told30 { share[one["class"] as? Int ?? 0] = one["share"] as? Double ?? 0 }
        for frame in 30..<40 {
            let weighed = try zip(probabilities(plain[frame]), zip(share, [50.0, 10, 5, 1])).map { $0 * $1.0 / $1.1 }
            expectClose(try probabilities(answers[frame]), shares(weighed), 2e-3)
        }
    }

    @Test func isNotEstimatedWhereNobodyAsks() throws {
        let setting = try Setting(frames: 3)
        let result = try runProgram("rarebit", ["run", setting.model, "--frames", setting.frames, "--json"])
        #expect(result.status == 0 && !result.output.contains("\"prior\""))
        #expect(
            try runProgram("rarebit", ["run", setting.model, "--frames", setting.frames, "--prior", "estimate"])
                .errorLine
                == "rarebit: --prior: an estimate is made from confirmed sightings; give it to rarebit run, with --confirm N/M, such as 5/8"
        )
    }

    @Test func isDoubtedTogetherWithAlpha() throws {
        let setting = try Setting()
        let file = try setting.folder.write(Array("1\n1\n1\n1\n".utf8), to: "prior")
        func errors(_ alpha: String) throws -> String {
            try runProgram(
                "rarebit", ["run", setting.model, "--frames", setting.frames, "--prior", file, "--alpha", alpha]
            ).errors
        }
        #expect(try errors("1").contains("rarebit: a prior takes the mix of training out, and so does alpha"))
        #expect(try errors("0") == "")
    }
}

@Suite struct TheSummaryOfWhatWasSeen {
    @Test func countsAnswersAndSightingsByClass() throws {
        let setting = try Setting(frames: 5)
        func summary(_ options: String...) throws -> [String: Any] {
            let result = try runProgram(
                "rarebit", ["run", setting.model, "--frames", setting.frames, "--json"] + options)
            return try event(String(try #require(result.output.split(separator: "\n").last)))
        }
        let best = try #require(setting.classify().top.first)
        let told = try summary("--confirm", "2/3")
        let classes = try #require(told["classes"] as? [[String: Any]])
        #expect(classes.count == 1)
        #expect(
            classes[0]["class"] as? Int == best["class"] as? Int
                && classes[0]["name"] as? String == best["name"] as? String)
        #expect(classes[0]["answers"] as? Int == 5 && classes[0]["sightings"] as? Int == 1)
        #expect(told["unknown"] as? Int == 0 && told["other_answers"] as? Int == 0)
        let unknown = try summary("--threshold", "1")
        #expect(unknown["unknown"] as? Int == 5 && (unknown["classes"] as? [Any])?.isEmpty == true)
        // No alpha, nothing that TDE could have changed.
        #expect(try summary("--alpha", "0")["flipped"] as? Int == 0)
        let plainBest = try setting.classify("--alpha", "0").top[0]["class"] as? Int
        let flipping = try #require(
            [0.5, 1, 2, 4, 8, 16, 32].first {
                try setting.classify("--alpha", "\($0)").top[0]["class"] as? Int != plainBest
            })
        let flipped = try summary("--alpha", "\(flipping)")
        #expect(flipped["flipped"] as? Int == 5 && flipped["alpha"] as? Double == flipping)
    }
}

@Suite struct WeightsOfHeads {
    @Test func countRelativelyToEachOther() throws {
        let setting = try Setting()
        let plain = try setting.classify("--alpha", "1").numbers("logit")
        #expect(try setting.classify("--alpha", "1", "--head-weights", "3,3").numbers("logit") == plain)
        let one = try setting.classify("--alpha", "1", "--head-weights", "1,0").numbers("logit")
        let other = try setting.classify("--alpha", "1", "--head-weights", "0,5").numbers("logit")
        // The logits are the mean of what each head says alone.
        expectClose(plain, zip(one, other).map { ($0 + $1) / 2 }, 1e-4)
        for wrong in ["1", "1,2,3", "0,0", "1,-1", "1,x"] {
            #expect(
                try setting.refusal("--head-weights", wrong)
                    == "rarebit: --head-weights: '\(wrong)' are no weights of 2 heads; give 2 numbers from 0 up, joined by commas, not all 0"
            )
        }
    }
}

@Suite struct TheTemperatureInUse {
    @Test func isToldWhereTheModelHasOne() throws {
        let calibrated = try Setting {
            $0.temperatures = [.init(alpha: 0, temperature: 2), .init(alpha: 1, temperature: 4)]
        }
        let answer = try calibrated.classify("--alpha", "0.5")
        #expect(answer.record["temperature"] as? Double == 3)
        let logits = answer.numbers("logit")
        expectClose(answer.numbers("probability"), shares(logits.map { exp($0 / 3) }))
        expectClose(answer.numbers("plain_probability"), shares(answer.numbers("plain_logit").map { exp($0 / 2) }))
        #expect(try Setting().classify().record["temperature"] == nil)
    }
}
