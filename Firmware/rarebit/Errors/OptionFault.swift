import Inference
import Text

/// What is wrong with the value of an option.
enum OptionFault {
    case notANumber
    case notWhole
    case outOfRange(from: Double, to: Double)
    case notYesOrNo
    case notASize
    case notAFormat
    case notAConfirmation
    case notAFileSize
    case notAnOutput
    case notAPressure
    case notATCPPlace
    case notAnAddress
    case needsDecoder
    case noCommand
    case needsToken
    case notARectangle
    case notARegion
    case notABrightnessRange
    case notARotation
    case notAFlip
    case notAList
    case noSuchCore(Int32)
    case unknownISA
    // With the item of the list.
    case unknownClass(UnsafeRawBufferPointer)
    /// With the entry.
    case notAThreshold(UnsafeRawBufferPointer)
    case notWeights(heads: Int)
    case allExempted

    // Of a prior.
    case needsConfirmation
    case notFromThePage
    case noClassCounts
    /// By number: the error outlives the model.
    case classWithoutImages(Int)
    case alreadyAdjusted
    case notAShare(line: Int)
    case wrongShareCount(found: Int, classes: Int)

    // Of frames to keep.
    case notAKeepRule(UnsafeRawBufferPointer)
    case notAKeepLimit
    case notAKeepSpacing
    case seenNeedsConfirmation
    case rareNeedsClassCounts

    func text(of value: CText) -> Message {
        switch self {
        case .notANumber: "'\(value)' is not a number"
        case .notWhole: "'\(value)' is not a whole number"
        case .outOfRange(let from, let to):
            """
            '\(value)' is out of range; give \(from, decimals: from == from.rounded() ? 0 : 3)...\(to, decimals: 0)
            """
        case .notYesOrNo: "'\(value)' is neither yes nor no"
        case .notASize: "'\(value)' is no frame size; give one such as 640x480"
        case .notAFormat: "'\(value)' is no pixel format that can be used; rarebit cameras lists them"
        case .notAConfirmation:
            """
            '\(value)' is no share of frames; give N/M, such as 3/5, with N at most M and M at most \
            \(Policy.longestWindow)
            """
        case .notAFileSize: "'\(value)' is no size of a file; give at least 1K, such as 500K, 10M or 1G"
        case .notAnOutput: "'\(value)' is no output; give -, file:PATH or unix:PATH"
        case .notAPressure: "'\(value)' is neither drop nor wait"
        case .notATCPPlace:
            """
            '\(value)' is no place to serve at; give a port, such as 9100, or a numeric address too: 0.0.0.0:9100
            """
        case .notAnAddress: "'\(value)' is no address; give http://HOST:PORT/PATH"
        case .needsDecoder:
            """
            '\(value)' cannot be read here; have it decoded: exec:ffmpeg -i \(value) -f yuv4mpegpipe -pix_fmt yuv420p -
            """
        case .noCommand: "exec: needs a command; give one that writes frames to its standard output"
        case .needsToken: "'\(value)' is open to other machines; give --page-token FILE too, with what they must know"
        case .notARectangle:
            """
            '\(value)' is no part of a picture; give left,top,width,height in whole pixels, such as 80,0,480,480
            """
        case .notARegion:
            """
            '\(value)' is no region; give left,top,width,height in fractions inside 0...1, such as 0.25,0.25,0.5,0.5
            """
        case .notABrightnessRange:
            "'\(value)' is no range of brightness; give auto, or the darkest and brightest in 0...65535, such as 7600,8700"
        case .notARotation: "'\(value)' is none of 0, 90, 180 and 270"
        case .notAFlip: "'\(value)' is none of horizontal, vertical and both"
        case .notAList: "'\(value)' is no list of cores; give numbers and ranges, such as 0,2 or 4-7"
        case .noSuchCore(let core):
            "this program may not run on core \(core); the command nproc says how many there are"
        case .unknownISA: "'\(value)' is no instruction set; give one of \(Self.instructionSets)"
        case .unknownClass(let item): "'\(item)' is no class of the model; rarebit info lists them"
        case .notAThreshold(let entry):
            "'\(entry)' is no threshold of a class; give CLASS:P,CLASS:P with P in 0...1, or file:PATH with a line CLASS = P each"
        case .notWeights(let heads):
            heads == 1
                ? "the model has one head, which nothing can be weighed against; leave the option out"
                : "'\(value)' are no weights of \(heads) heads; give \(heads) numbers from 0 up, joined by commas, not all 0"
        case .allExempted: "at least one class must not be exempted"
        case .needsConfirmation:
            "an estimate is made from confirmed sightings; give it to rarebit run, with --confirm N/M, such as 5/8"
        case .notFromThePage: "'\(value)' is neither none nor estimate; files are named by those who start the program"
        case .noClassCounts:
            "the model does not say how many training images its classes had; convert it again with --class-counts"
        case .classWithoutImages(let index):
            "class \(index) had no training images, so that nothing can be told of its frequency; convert without it"
        case .alreadyAdjusted:
            "the model's logits were adjusted for the frequency of classes when it was converted; convert it without that"
        case .notAShare(let line):
            "\(value):\(line): is no number above 0; give one a line, in the order of the classes"
        case .wrongShareCount(let found, let classes):
            "\(value): has \(found) numbers for \(classes) classes; give one a line, in the order of the classes"
        case .notAKeepRule(let item):
            "'\(item)' is no rule; give some of unknown, margin<0.1, flipped, rare, seen and every=600s, joined by commas"
        case .notAKeepLimit:
            """
            '\(value)' is no limit; give the most bytes, at least 1K, and the most frames, at most 1000000, such as \
            500M,10000
            """
        case .notAKeepSpacing:
            "'\(value)' is no spacing; give seconds, 0...86400, and a difference of features, 0...2, such as 5,0.2"
        case .seenNeedsConfirmation: "seen needs --confirm, which says when a class is seen; see rarebit run --help"
        case .rareNeedsClassCounts:
            """
            rare needs the model to know how many training images each class had; convert it again with --class-counts \
            or a training folder
            """
        }
    }

    private static var instructionSets: Message {
        var list: Message = "\(ExecutionPath(number: 0)!.name)"
        for number in 1..<ExecutionPath.count {
            list += ", \(ExecutionPath(number: number)!.name)"
        }
        return list
    }
}
