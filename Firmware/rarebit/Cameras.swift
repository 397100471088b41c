import Camera
import Outputs
import Platform
import Reports
import Text

/// `rarebit cameras`: the video nodes, what each offers, and the mode `rarebit run` would choose.
struct Cameras {
    /// `run` chooses for its model's input; without a model, for the side that most networks take.
    private static let assumedSide: UInt32 = 224

    private let settings: Settings

    init(_ settings: Settings) {
        self.settings = settings
    }

    func perform() throws(ProgramError) {
        setActivity("listing cameras")
        let needed = FrameSize(width: Self.assumedSide, height: Self.assumedSide)
        var list = CameraListing(isJSON: settings.isJSON, TextWriter(DescriptorSink.standardOutput))
        listCameras(for: CaptureRequest(covering: needed), &list)
        let status = list.finish().status
        guard status == 0 else { throw .failure(.output(status: status)) }
    }
}
