import Inference
import Text

extension Settings {
    /// The options that say what is made of the network's logits, in no order: `Policy` has that of the steps. All can change
    /// while the program runs.
    static func describeJudging(to reader: inout some OptionReader) throws(ProgramError) {
        try reader.number(
            "threshold", "P", .run | .classify, isLive: true,
            "the least probability of a class to be named, 0...1: below it a picture is unknown; default 0", in: 0...1
        ) { $0.judging.threshold = Float($1) }
        try reader.value(
            "thresholds", "LIST", .run | .classify, isLive: true,
            """
            those of single classes, by name or number: a:0.8,7:0.3, or file:PATH, a file of lines "a = 0.8"; the
            others have --threshold
            """
        ) { settings, value throws(ProgramError) in settings.judging.thresholds = value }
        try reader.value(
            "classes", "LIST", .run | .classify, isLive: true,
            """
            only these classes, by name or number: a,b,7; probabilities are over them alone and sum to 1;
            default: all
            """
        ) { settings, value throws(ProgramError) in settings.judging.classes = value }
        try reader.value(
            "exempt", "LIST", .run | .classify, isLive: true,
            """
            classes that say that nothing is there, such as background: the adjustment leaves their probability
            as it is; - for none; default: those that the model names
            """
        ) { settings, value throws(ProgramError) in settings.judging.exempted = value }
        try reader.value(
            "prior", "FILE", .run | .classify, isLive: true,
            """
            how frequent each class is where the camera looks: numbers above 0 on any scale, one a line in the
            order of the classes; or, for run, estimate: from what --confirm says is seen; default, or none: as
            in training
            """
        ) { settings, value throws(ProgramError) in settings.judging.prior = value }
        try reader.value(
            "head-weights", "W,W,...", .run | .classify, isLive: true,
            "how much each head of the classifier, or expert of several, counts: numbers from 0 up; default: all alike"
        ) { settings, value throws(ProgramError) in settings.judging.headWeights = value }
        try reader.number(
            "smooth", "S", .run, isLive: true,
            """
            probabilities averaged over frames: S times the average so far and 1 - S times the frame's, S from
            0 (each frame alone, the default) to 0.99; starts anew after a recovery and after a gap
            """,
            in: 0...0.99
        ) { $0.judging.smoothing = Float($1) }
        try reader.value(
            "confirm", "N/M", .run, isLive: true,
            """
            say that a class is seen when N of the last M frames (at most 64) are of it, again only after M
            frames without it; starts anew like --smooth
            """
        ) { settings, value throws(ProgramError) in settings.judging.confirmation = try value.confirmation() }
    }
}
