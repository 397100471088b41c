import Inference
import Platform

extension Settings {
    /// The options that say which part of a picture the model sees, and which way up.
    static func describeView(to reader: inout some OptionReader) throws(ProgramError) {
        try reader.value(
            "crop", "X,Y,W,H", .run | .classify,
            "only this part of the picture, in its pixels: left, top, width, height"
        ) { settings, value throws(ProgramError) in settings.view.crop = try value.rectangle() }
        try reader.value("rotate", "DEGREES", .run | .classify, "turn it clockwise by 90, 180 or 270 degrees") {
            settings, value throws(ProgramError) in settings.view.quarterTurns = try value.quarterTurns()
        }
        try reader.value("flip", "WAY", .run | .classify, "then mirror it: horizontal, vertical or both") {
            settings, value throws(ProgramError) in
            (settings.view.isFlippedHorizontally, settings.view.isFlippedVertically) = try value.flips()
        }
        try reader.value(
            "region", "X,Y,W,H", .run | .classify,
            "then only this part of what is left, in fractions of its width and height, 0...1"
        ) { settings, value throws(ProgramError) in settings.view.region = try value.fractions() }
    }
}

extension OptionValue {
    fileprivate func rectangle() throws(ProgramError) -> PixelRectangle {
        let numbers = try fourNumbers(or: .notARectangle(self))
        for index in numbers.indices {
            // The largest picture has 16384 pixels a side.
            guard numbers[index] == numbers[index].rounded(), (0...16384).contains(numbers[index]) else {
                throw .notARectangle(self)
            }
        }
        guard numbers[2] > 0, numbers[3] > 0 else { throw .notARectangle(self) }
        return PixelRectangle(
            left: Int(numbers[0]), top: Int(numbers[1]), width: Int(numbers[2]), height: Int(numbers[3]))
    }

    fileprivate func fractions() throws(ProgramError) -> Fractions {
        let numbers = try fourNumbers(or: .notARegion(self))
        guard
            let fractions = Fractions(left: numbers[0], top: numbers[1], width: numbers[2], height: numbers[3])
        else { throw .notARegion(self) }
        return fractions
    }

    fileprivate func quarterTurns() throws(ProgramError) -> Int {
        if ("0" as StaticString) == text { return 0 }
        if ("90" as StaticString) == text { return 1 }
        if ("180" as StaticString) == text { return 2 }
        guard ("270" as StaticString) == text else { throw .notARotation(self) }
        return 3
    }

    fileprivate func flips() throws(ProgramError) -> (horizontal: Bool, vertical: Bool) {
        if ("horizontal" as StaticString) == text { return (true, false) }
        if ("vertical" as StaticString) == text { return (false, true) }
        guard ("both" as StaticString) == text else { throw .notAFlip(self) }
        return (true, true)
    }

    private func fourNumbers(or error: ProgramError) throws(ProgramError) -> InlineArray<4, Double> {
        var numbers = InlineArray<4, Double>(repeating: 0)
        let isRead = withUnsafeMutableBytes(of: &numbers) {
            rb_parse_numbers(text, 4, $0.baseAddress!.assumingMemoryBound(to: Double.self))
        }
        guard isRead else { throw error }
        return numbers
    }
}
