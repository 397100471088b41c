import Inference
import Text

struct BenchSettings {
    static var longestSeconds: Double { 86_400 }

    /// nil: 1000, or until the seconds are over.
    var runs: Int?
    /// nil: 5, or until the runs are done.
    var seconds: Double?
    /// Frames a second; nil: back to back.
    var frameRate: Double?
    var measuresCameraPath = false
    /// Recorded frames, for the camera's path; nil: synthetic ones.
    var frames: CText?
    var showsLayers = false
    var showsCeiling = false
    /// The record of an earlier benchmark.
    var comparison: CText?
    /// Ratio of medians; nil: 1.05.
    var ratioThreshold: Double?

    /// Runs and seconds each end a benchmark; where only one is given, the other does not.
    var runLimit: Int { runs ?? (seconds == nil ? 1000 : LatencySamples.maximumCount) }
    var timeLimit: Double { seconds ?? (runs == nil ? 5 : Self.longestSeconds) }
    /// Of a warm-up, nanoseconds: a tenth of the time, at most half a second.
    var warmUpTime: UInt64 { UInt64(min(timeLimit, 5) * 1e8) }

    func check() throws(ProgramError) {
        if measuresCameraPath {
            guard frameRate == nil && comparison == nil && !showsLayers && !showsCeiling else {
                throw .usage(.onlyCameraPath)
            }
        }
        guard ratioThreshold == nil || comparison != nil else { throw .usage(.nothingToCompare) }
    }
}
