import Camera
import Inference
import ModelFormat
import Outputs
import Platform
import Text

/// Everything that ends the program early; see `append(_:)` for the line it prints.
///
/// The pointers are to the program's arguments, which live unchanged as long as it does.
enum ProgramError: Error, @unchecked Sendable {
    // Wrong usage.
    case noCommand
    case unknownCommand(UnsafePointer<CChar>)
    case unknownOption(UnsafePointer<CChar>)
    case missingValue(UnsafePointer<CChar>)
    case foreignOption(StaticString, Command)
    case twoSources
    case notANumber(OptionValue)
    case notWhole(OptionValue)
    case outOfRange(OptionValue, from: Double, to: Double)
    case notAList(OptionValue)
    case notARectangle(OptionValue)
    case notARegion(OptionValue)
    case notARotation(OptionValue)
    case notAFlip(OptionValue)
    case noSuchCore(OptionValue, Int32)
    case unknownISA(OptionValue)
    case notYesOrNo(OptionValue)
    case notASize(OptionValue)
    case notAFormat(OptionValue)
    case notAConfirmation(OptionValue)
    case notAFileSize(OptionValue)
    case notAnOutput(OptionValue)
    case notAPressure(OptionValue)
    case notATCPPlace(OptionValue)
    /// With the item of the list.
    case unknownClass(OptionValue, UnsafeRawBufferPointer)
    case needsFile(StaticString)
    case needsRotation
    case unknownKey(UnsafePointer<CChar>, line: Int, UnsafePointer<CChar>)
    case keyTwice(UnsafePointer<CChar>, line: Int, StaticString, firstLine: Int)
    case notAnEntry(UnsafePointer<CChar>, line: Int)
    case nothingToLoop
    case onlyCameraPath
    case framesWithoutCameraPath
    case nothingToCompare
    case missingModel(Command)
    case missingImages
    case extraOperand(UnsafePointer<CChar>, Command)

    // The work failed. Numbers are negative error numbers of Linux.
    case unreadableFile(UnsafePointer<CChar>, Int32)
    case badModel(UnsafePointer<CChar>, ModelError)
    case cannotInfer(UnsafePointer<CChar>, InferenceError)
    case noMemory(bytes: Int, Int32)
    /// With the decoder's line.
    case badImage(UnsafePointer<CChar>, ImageMessage)
    case cannotResize(width: Int, height: Int)
    /// The crop is not inside pictures of this size.
    case cropOutside(width: Int, height: Int)
    case someImagesFailed(Int)
    case camera(UnsafePointer<CChar>, CameraError)
    case recording(UnsafePointer<CChar>, RecordingError)
    /// A frame of a recording, counted from 0, is no picture.
    case damagedFrame(Int)
    case output(Int32)
    case cannotWrite(OutputTarget, Int32)
    case cannotServe(OptionValue, Int32)
    case cannotPin(Int32)
    case cannotStartThreads(Int, Int32)
    case noRecord(UnsafePointer<CChar>)
    case otherNetwork(UnsafePointer<CChar>)
    case otherLogits(UnsafePointer<CChar>)
    case slower(UnsafePointer<CChar>, ratio: Double, threshold: Double)

    var isUsage: Bool {
        switch self {
        case .noCommand, .unknownCommand, .unknownOption, .missingValue, .foreignOption, .twoSources, .notANumber,
            .notWhole, .outOfRange, .notAList, .notARectangle, .notARegion, .notARotation, .notAFlip, .noSuchCore,
            .unknownISA, .notYesOrNo, .notASize, .notAFormat, .notAConfirmation, .notAFileSize, .notAnOutput,
            .notAPressure, .notATCPPlace, .unknownClass, .needsFile, .needsRotation, .unknownKey, .keyTwice,
            .notAnEntry,
            .nothingToLoop, .onlyCameraPath, .framesWithoutCameraPath,
            .nothingToCompare, .missingModel, .missingImages, .extraOperand:
            true
        case .unreadableFile, .badModel, .cannotInfer, .noMemory, .badImage, .cannotResize, .cropOutside,
            .someImagesFailed, .camera, .recording, .damagedFrame, .output, .cannotWrite, .cannotServe, .cannotPin,
            .cannotStartThreads, .noRecord,
            .otherNetwork, .otherLogits, .slower:
            false
        }
    }
}

extension ProgramError {
    /// Writes the error's line to standard error.
    func report() {
        var message = TextWriter(DescriptorSink.standardError)
        message.append(self)
        _ = message.finish()
    }
}
