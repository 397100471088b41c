import Kernels
import ModelFormat
import Text

/// A family of instruction sets that the kernels are written for; its number stands in model files.
public struct ExecutionPath: Equatable, Sendable {
    let kernelPath: rb_path

    init(_ kernelPath: rb_path) {
        self.kernelPath = kernelPath
    }

    public static var reference: ExecutionPath { ExecutionPath(RB_PATH_REFERENCE) }
    /// The fastest this processor can execute.
    public static var best: ExecutionPath { ExecutionPath(rb_path_best()) }
    public static var count: Int { Int(RB_PATH_COUNT.rawValue) }

    /// The path of a number, 0..<count, or nil.
    public init?(number: Int) {
        guard number >= 0 && number < Self.count else { return nil }
        kernelPath = rb_path(rawValue: numericCast(number))
    }

    public var number: Int { Int(kernelPath.rawValue) }
    /// Whether this build has the path and this processor can execute it.
    public var isAvailable: Bool { rb_path_available(kernelPath) }
    /// ASCII: "avx2".
    public var name: CText { CText(rb_path_name(Int32(number))) }

    /// The path of a name, or nil.
    public init?(named name: CText) {
        for number in 0..<Self.count {
            let path = ExecutionPath(number: number)!
            if path.name == name {
                self = path
                return
            }
        }
        return nil
    }

    /// Runs the path's best multiply-accumulate instructions on registers alone, `rounds` times over; how many
    /// multiply-accumulates of int8 that was. The path must be available.
    public func runCeiling(rounds: UInt32) -> UInt64 { rb_ceiling_run(kernelPath, rounds) }

    /// The fastest path that this processor can execute and whose packed size the model states; the reference path is
    /// the last resort, and nil if even that is not stated.
    public static func best(for model: Model) -> ExecutionPath? {
        var path = best
        while model.packedBytes(path: path.number) == nil || !path.isAvailable {
            guard path != reference else { return nil }
            path = path.lesser
        }
        return path
    }

    /// The next best path after this one, available or not; the reference is its own.
    var lesser: ExecutionPath { ExecutionPath(rb_path_lesser(kernelPath)) }
    /// How the path keeps activations in the arena: a byte there is q ^ flip.
    public var activationFlip: UInt8 { rb_path_activation_flip(kernelPath) }
}
