import Foundation
import Quantization

extension ConversionReport.Conversion {
    /// What a terminal shows below the summary: error, memory, and what to look at.
    public var text: String {
        var lines: [String] = []
        let layers = quantization.layers
        if let worst = layers.filter({ $0.signalToNoise != nil }).min(by: { $0.signalToNoise! < $1.signalToNoise! }) {
            let last = layers.last?.signalToNoise.map { String(format: "%.1f dB", $0) } ?? "exact"
            lines.append(
                "error        signal to noise of the features \(last), lowest "
                    + String(format: "%.1f dB", worst.signalToNoise!) + " at \(worst.name)")
        }
        if let peak = quantization.peakLayer {
            lines.append("peak         \(peak.arenaBytes) bytes alive during \(peak.name)")
        }
        let sections = quantization.fileSections.map { "\($0.name) \($0.bytes)" }
        lines.append("sections     \(sections.joined(separator: ", "))")
        if let alphaChoice {
            lines.append("alpha        \(alphaChoice.text)")
        }
        if let temperatureChoice {
            lines.append("temperature  \(temperatureChoice.text)")
        }
        lines += advice.map { "look at      \($0.layer): \($0.text)" }
        return lines.map { "  \($0)\n" }.joined()
    }
}
