import Inference
import Text

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
        try reader.value(
            "y16-range", "RANGE", .run,
            """
            the brightness of Y16 frames that is black and that is white: LOW,HIGH, such as 7600,8700, or auto: the
            darkest and brightest of each frame; default: 0,65535, of which a camera of heat or depth uses little
            """
        ) { settings, value throws(ProgramError) in settings.view.brightness = try value.brightnessRange() }
    }
}
