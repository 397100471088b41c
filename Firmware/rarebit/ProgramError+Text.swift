import Camera
import Inference
import ModelFormat
import Outputs
import Platform
import Text

extension TextWriter where Sink: ~Copyable {
    /// One line: what, where, what to do.
    mutating func append(_ error: ProgramError) {
        append("rarebit: ")
        append(reason: error)
        append("\n")
    }

    mutating func append(reason error: ProgramError) {
        if error.isUsage {
            appendUsage(error)
        } else {
            appendFailure(error)
        }
    }

    private mutating func appendUsage(_ error: ProgramError) {
        switch error {
        case .noCommand:
            append("no command given; see rarebit --help")
        case .unknownCommand(let name):
            append("no command '")
            append(cString: name)
            append("'; see rarebit --help")
        case .unknownOption(let argument):
            append("no option '")
            append(cString: argument)
            append("'; see rarebit --help")
        case .missingValue(let argument):
            append("option '")
            append(cString: argument)
            append("' needs a value; see rarebit --help")
        case .foreignOption(let option, let command):
            append(command.name)
            append(" takes no option --")
            append(option)
            append("; see rarebit ")
            append(command.name)
            append(" --help")
        case .twoSources:
            append("--camera and --frames exclude each other; give one")
        case .nothingToLoop:
            append("--loop needs --frames; see rarebit run --help")
        case .needsFile(let option):
            append("--")
            append(option)
            append(" needs an output file; see --output in rarebit run --help")
        case .needsRotation:
            append("--rotate-keep needs --rotate-size; see rarebit run --help")
        case .onlyCameraPath:
            append("--camera-path excludes --fps, --layers, --ceiling and --compare; see rarebit bench --help")
        case .framesWithoutCameraPath:
            append("--frames needs --camera-path; see rarebit bench --help")
        case .nothingToCompare:
            append("--threshold needs --compare; see rarebit bench --help")
        case .missingModel(let command):
            append(command.name)
            append(" needs a model file; see rarebit ")
            append(command.name)
            append(" --help")
        case .missingImages:
            append("classify needs at least one image file; see rarebit classify --help")
        case .extraOperand(let argument, let command):
            append("'")
            append(cString: argument)
            append("' is one argument too many for ")
            append(command.name)
            append("; see rarebit ")
            append(command.name)
            append(" --help")
        default:
            appendBadValue(error)
        }
    }

    private mutating func appendBadValue(_ error: ProgramError) {
        switch error {
        case .notANumber(let value):
            append(quoting: value)
            append("' is not a number")
        case .notWhole(let value):
            append(quoting: value)
            append("' is not a whole number")
        case .notYesOrNo(let value):
            append(quoting: value)
            append("' is neither yes nor no")
        case .notASize(let value):
            append(quoting: value)
            append("' is no frame size; give one such as 640x480")
        case .notAFormat(let value):
            append(quoting: value)
            append("' is no pixel format that can be used; rarebit cameras lists them")
        case .notAConfirmation(let value):
            append(quoting: value)
            append("' is no share of frames; give N/M, such as 3/5, with N at most M and M at most ")
            append(Policy.longestWindow)
        case .notAFileSize(let value):
            append(quoting: value)
            append("' is no size of a file; give at least 1K, such as 500K, 10M or 1G")
        case .notAnOutput(let value):
            append(quoting: value)
            append("' is no output; give -, file:PATH or unix:PATH")
        case .notAPressure(let value):
            append(quoting: value)
            append("' is neither drop nor wait")
        case .notATCPPlace(let value):
            append(quoting: value)
            append("' is no place to serve at; give a port, such as 9100, or a numeric address too: 0.0.0.0:9100")
        case .unknownClass(let value, let item):
            append(placeOf: value)
            append("'")
            append(bytes: item)
            append("' is no class of the model; rarebit info lists them")
        case .outOfRange(let value, let from, let to):
            append(quoting: value)
            append("' is out of range; give ")
            append(from, decimals: from == from.rounded() ? 0 : 3)
            append("...")
            append(to, decimals: 0)
        case .notAList(let value):
            append(quoting: value)
            append("' is no list of cores; give numbers and ranges, such as 0,2 or 4-7")
        case .notARectangle(let value):
            append(quoting: value)
            append("' is no part of a picture; give left,top,width,height in whole pixels, such as 80,0,480,480")
        case .notARegion(let value):
            append(quoting: value)
            append("' is no region; give left,top,width,height in fractions inside 0...1, such as 0.25,0.25,0.5,0.5")
        case .notARotation(let value):
            append(quoting: value)
            append("' is none of 0, 90, 180 and 270")
        case .notAFlip(let value):
            append(quoting: value)
            append("' is none of horizontal, vertical and both")
        case .noSuchCore(let value, let core):
            append(placeOf: value)
            append("this program may not run on core ")
            append(core)
            append("; the command nproc says how many there are")
        case .unknownISA(let value):
            append(quoting: value)
            append("' is no instruction set; give one of")
            for number in 0..<ExecutionPath.count {
                append(number == 0 ? " " : ", ")
                append(cString: ExecutionPath(number: number)!.name)
            }
        case .unknownKey(let path, let line, let key):
            append(path, line: line)
            append("no option '")
            append(cString: key)
            append("'; rarebit run --help lists them")
        case .keyTwice(let path, let line, let name, let firstLine):
            append(path, line: line)
            append(name)
            append(" stands in line ")
            append(firstLine)
            append(" already; keep one of them")
        case .notAnEntry(let path, let line):
            append(path, line: line)
            append("is not 'name = value'; # starts a comment")
        default:
            append("wrong usage")
        }
    }

    private mutating func append(quoting value: OptionValue) {
        append(placeOf: value)
        append("'")
        append(cString: value.text)
    }

    /// "--alpha: ", or "rarebit.conf:3: alpha: "
    private mutating func append(placeOf value: OptionValue) {
        switch value.place {
        case .commandLine: append("--")
        case .file(let path, let line): append(path, line: line)
        }
        append(value.name)
        append(": ")
    }

    private mutating func append(_ path: UnsafePointer<CChar>, line: Int) {
        append(cString: path)
        append(":")
        append(line)
        append(": ")
    }

    private mutating func appendFailure(_ error: ProgramError) {
        switch error {
        case .unreadableFile(let path, let status):
            append(cString: path)
            append(": cannot be read: ")
            append(cString: rb_error_text(status))
        case .badModel(let path, let reason):
            append(cString: path)
            append(": ")
            append(reason)
        case .cannotInfer(let path, let reason):
            append(cString: path)
            append(": ")
            append(reason)
        case .noMemory(let bytes, let status):
            append("cannot have ")
            append(bytes)
            append(" bytes of memory: ")
            append(cString: rb_error_text(status))
        case .badImage(let path, let message):
            append(cString: path)
            append(": ")
            message.append(to: &self)
        case .cannotResize(let width, let height):
            append("a picture of ")
            append(width)
            append(" x ")
            append(height)
            append(" cannot be resized to the model's input; give one nearer to its size and shape")
        case .cropOutside(let width, let height):
            append("--crop is not inside a picture of ")
            append(width)
            append(" x ")
            append(height)
            append("; give a part of it")
        case .someImagesFailed(let count):
            append(count)
            append(count == 1 ? " image could not be classified" : " images could not be classified")
        case .camera(let path, let reason):
            append(cString: path)
            append(": ")
            append(reason)
        case .recording(let path, let reason):
            append(cString: path)
            append(": ")
            append(reason)
        case .damagedFrame(let number):
            append("frame ")
            append(number)
            append(" of the recording is damaged; record it again")
        case .output(let status):
            append("standard output cannot be written: ")
            append(cString: rb_error_text(status))
        case .cannotWrite(let target, let status):
            append(target)
            append(": cannot be written: ")
            append(cString: rb_error_text(status))
        case .cannotServe(let value, let status):
            append(quoting: value)
            append("': cannot be served at: ")
            append(cString: rb_error_text(status))
        case .cannotPin(let status):
            append("cannot run on the cores asked for: ")
            append(cString: rb_error_text(status))
        case .cannotStartThreads(let count, let status):
            append("cannot start ")
            append(count)
            append(" threads: ")
            append(cString: rb_error_text(status))
        case .noRecord, .otherNetwork, .otherLogits, .slower:
            appendFinding(error)
        default:
            append("the work failed")
        }
    }

    private mutating func append(_ target: OutputTarget) {
        switch target {
        case .stream: append("standard output")
        case .file(let path, _, _), .socket(let path): append(cString: path)
        }
    }

    /// What a comparison with an earlier benchmark found.
    private mutating func appendFinding(_ error: ProgramError) {
        switch error {
        case .noRecord(let path):
            append(cString: path)
            append(": holds no record of a benchmark; make one with rarebit bench --json")
        case .otherNetwork(let path):
            append(cString: path)
            append(": is of another network; compare runs of one model")
        case .otherLogits(let path):
            append(cString: path)
            append(": the same model and input gave other logits there; one of the two programs computes wrongly")
        case .slower(let path, let ratio, let threshold):
            append("the median time is ")
            append(ratio, decimals: 3)
            append(" times that of ")
            append(cString: path)
            append("; ")
            append(threshold, decimals: 3)
            append(" would pass")
        default: break
        }
    }
}
