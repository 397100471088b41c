import Kernels
import ModelFormat

/// Threads that an engine spreads its operations over. Where they come from is the caller's affair.
public struct Threads {
    /// One part of some work: `(work, part, parts, thread)`, 0 <= part < parts, 0 <= thread < count.
    public typealias Part = @convention(c) (UnsafeMutableRawPointer?, Int32, Int32, Int32) -> Void
    /// `(team, parts, part, work)`: runs each part once, on any threads but no two at a time on one, and returns when all
    /// are finished.
    public typealias Run = @convention(c) (UnsafeMutableRawPointer?, Int32, Part?, UnsafeMutableRawPointer?) -> Void

    public let count: Int
    /// As the kernels take them; nil for one thread.
    let lent: rb_threads?

    /// The thread that calls the engine, alone.
    public static var one: Threads { Threads() }

    public init(count: Int, team: UnsafeMutableRawPointer?, run: @escaping Run) {
        self.count = count
        lent = rb_threads(count: Int32(count), run: run, team: team)
    }

    private init() {
        count = 1
        lent = nil
    }
}

extension ExecutionPath {
    /// The least multiply-accumulates of a share. Handing shares out and waiting for them costs 0.2 to 0.4 us; two shares
    /// of this size take 2 to 3 us. Measured on x86_64 (AVX-512: 0.5 us of work lose by a second thread, 1.3 us gain
    /// nothing, 2.8 us gain a factor of 1.4); on the other paths as much smaller as they are slower.
    fileprivate var leastShare: UInt64 {
        switch kernelPath {
        case RB_PATH_AVX512VNNI: 400_000
        case RB_PATH_AVXVNNI: 200_000
        case RB_PATH_AVX2, RB_PATH_DOTPROD: 100_000
        case RB_PATH_REFERENCE: 10_000
        default: 50_000
        }
    }
}

extension OperationRecord {
    /// Into how many shares the operation is cut for `threads`: 1 where it is too small to gain from a second thread.
    func shares(threads: Int, path: ExecutionPath) -> Int {
        guard threads > 1 else { return 1 }
        let most = work / path.leastShare
        // A long operation is cut finer: a thread that is late or slow then leaves a share to the others.
        let wanted = UInt64(threads) * (most >= 32 * UInt64(threads) ? 2 : 1)
        return max(Int(min(most, wanted)), 1)
    }

    /// About how long it takes, in multiply-accumulates of a convolution.
    private var work: UInt64 {
        let outputs = UInt64(output.height) * UInt64(output.width) * UInt64(output.channels)
        return switch kind {
        // Few products an output make no output cheaper than its address, its requantisation and its store.
        case .convolution, .matrixProduct: max(multiplyAccumulates, outputs * 64)
        case .maxPool, .averagePool: outputs * UInt64(kernelHeight) * UInt64(kernelWidth) * 4
        // A share is 64 channels at least.
        case .globalAveragePool where input.channels < 128: 0
        case .globalAveragePool: UInt64(input.height) * UInt64(input.width) * UInt64(input.channels) * 4
        case .lookup, .multiply: outputs * 16
        case .resample, .rearrange, .softmax, .layerNorm, .l2Norm: outputs * 32
        // It is a copy, as fast as memory.
        case .constant: 0
        }
    }
}

extension HeadRecord {
    /// Into how many shares of classes the head is cut for `threads`. A share takes a core 2 to 3 us at least: it computes
    /// in float32, as fast as the rows arrive from memory.
    func shares(threads: Int) -> Int {
        let leastShare = 40_000
        return max(min(Int(classes) * Int(dimensions) / leastShare, threads), 1)
    }
}
