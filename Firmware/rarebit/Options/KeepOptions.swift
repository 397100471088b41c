import Text

extension Settings {
    /// The options about frames that are kept for labelling.
    static func describeKeeping(to reader: inout some OptionReader) throws(ProgramError) {
        try reader.text(
            "keep", "DIR", .run,
            "keep frames worth labelling in a folder: a JPEG picture and a JSON record of each"
        ) { $0.run.keep.folder = $1 }
        try reader.value(
            "keep-when", "RULES", .run,
            """
            which frames, joined by commas: unknown; margin<P, where the best two classes are nearer than that;
            flipped, where the adjustment changed the answer; rare, of a class with fewer than 20 training images;
            seen, with --confirm; every=600s; default: unknown,margin<0.1,flipped
            """
        ) { settings, value throws(ProgramError) in settings.run.keep.rules = value }
        try reader.value(
            "keep-limit", "BYTES,N", .run,
            "the most bytes and frames in the folder, the oldest go first; default: 500M,10000"
        ) { settings, value throws(ProgramError) in settings.run.keep.limit = try value.keepLimit() }
        try reader.value(
            "keep-spacing", "S,D", .run,
            """
            of one scene one frame: none within S seconds of the one before, and none whose features are nearer than D
            (0...2) to one of the last 16; every=600s aside; default: 5,0.2
            """
        ) { settings, value throws(ProgramError) in settings.run.keep.spacing = try value.keepSpacing() }
    }
}
