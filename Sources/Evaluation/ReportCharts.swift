import Foundation
import Quantization

extension EvaluationReport {
    private static let groupColors: [(FrequencyGroup, String)] = [
        (.many, "main"), (.medium, "third"), (.few, "second"),
    ]

    /// Accuracy of the groups over alpha, in int8 where it was measured, with the alpha in use and the `chosen` one marked; nothing
    /// without a sweep.
    func alphaChart(chosen: Float?) -> String {
        let int8 = sweep.filter { $0.numbers == .int8 }
        let float = sweep.filter { $0.numbers == .float32 }
        let rows = int8.isEmpty ? float : int8
        guard rows.count > 1 else { return "" }
        let every = (rows + float).flatMap { [$0.accuracy.overall] + $0.accuracy.groups.values }
        let x = Scale(values: Double(rows[0].alpha)...Double(rows.last!.alpha), positions: (52, 940))
        let y = Scale(values: Scale.tens(around: every), positions: (270, 20))
        var chart = Chart(height: 330, title: "Accuracy over alpha")
        for tick in y.ticks(8) {
            chart.line(52, y(tick), 940, y(tick))
            chart.text(tickText(tick), x: 44, y: y(tick) + 4, anchor: .end)
        }
        for tick in x.ticks(10) {
            chart.text(tickText(tick), x: x(tick), y: 290, anchor: .middle)
        }
        let isChosenHigher = chosen.map { $0 > alpha } ?? false
        mark(alpha, "in use", in: &chart, x, anchor: isChosenHigher ? .end : .start)
        if let chosen, chosen != alpha {
            mark(chosen, "chosen", in: &chart, x, anchor: isChosenHigher ? .start : .end)
        }
        func draw(_ rows: [AccuracyRow], _ color: String, isDashed: Bool = false, _ value: (Accuracy) -> Double?) {
            let points = rows.compactMap { row in value(row.accuracy).map { (x: x(Double(row.alpha)), y: y($0)) } }
            chart.path(points, color: color, isDashed: isDashed)
        }
        var legend = [(name: "all", color: "ink")]
        for (group, color) in Self.groupColors where rows[0].accuracy.groups[group] != nil {
            draw(rows, color) { $0.groups[group] }
            legend.append((group.rawValue, color))
        }
        draw(rows, "ink") { $0.overall }
        if !int8.isEmpty && !float.isEmpty {
            draw(float, "fourth", isDashed: true) { $0.overall }
            legend.append(("all in float32 (dashed)", "fourth"))
        }
        chart.legend(legend, x: 52, y: 318)
        chart.text("alpha", x: 940, y: 318, anchor: .end)
        return chart.svg
    }

    private func mark(_ alpha: Float, _ text: String, in chart: inout Chart, _ x: Scale, anchor: Chart.Anchor) {
        guard x.values.contains(Double(alpha)) else { return }
        let position = x(Double(alpha))
        chart.line(position, 8, position, 270, style: "mark")
        chart.text(
            "\(tickText(Double(alpha))) \(text)", x: position + (anchor == .start ? 5 : -5), y: 14, anchor: anchor)
    }
}

extension TemperatureChoice {
    /// Accuracy over confidence, before and after; on the diagonal they agree.
    var chart: String {
        let x = Scale(values: 0...1, positions: (52, 940))
        let y = Scale(values: 0...1, positions: (270, 20))
        var chart = Chart(height: 330, title: "Accuracy over probability")
        for tick in y.ticks(5) {
            chart.line(52, y(tick), 940, y(tick))
            chart.text("\(tickText(100 * tick)) %", x: 44, y: y(tick) + 4, anchor: .end)
            chart.text("\(tickText(100 * tick)) %", x: x(tick), y: 290, anchor: .middle)
        }
        chart.line(x(0), y(0), x(1), y(1), style: "mark")
        for (reliability, color, what) in [(before, "second", "temperature 1"), (after, "main", "with temperature")] {
            chart.path(reliability.bins.map { (x($0.confidence), y($0.accuracy)) }, color: color)
            for bin in reliability.bins {
                let hint =
                    "\(what): \(bin.images) answers of probability \(decimal(100 * bin.confidence, 1)) %, "
                    + "\(decimal(100 * bin.accuracy, 1)) % right"
                chart.dot(x: x(bin.confidence), y: y(bin.accuracy), radius: 4, color: color, hint: hint)
            }
        }
        chart.legend([("temperature 1", "second"), ("with temperature", "main")], x: 52, y: 318)
        chart.text("probability", x: 940, y: 318, anchor: .end)
        return chart.svg
    }
}

/// A class as the frequency chart shows it.
struct FrequencyBar {
    let name: String
    let trainingImages: Int
    /// Percent, with the colour of its dot.
    let accuracies: [(percent: Double, color: String, what: String)]
}

/// Training images of each class, the most frequent first, on a scale of powers of ten, with accuracies as dots over them.
func frequencyChart(_ classes: [FrequencyBar]) -> String {
    guard let most = classes.map(\.trainingImages).max(), most > 0 else { return "" }
    let bars = classes.sorted { $0.trainingImages > $1.trainingImages }
    var decades = 1.0
    while pow(10, decades) < Double(most) {
        decades += 1
    }
    let isNamed = bars.count <= 40
    let height = isNamed ? 350.0 : 290
    let bottom = 250.0
    let left = 52.0
    let slot = (916 - left) / Double(bars.count)
    let y = Scale(values: 0...decades, positions: (bottom, 20))
    let percent = Scale(values: 0...100, positions: (bottom, 20))
    var chart = Chart(height: height, title: "Training images of each class, and accuracy")
    for decade in 0...Int(decades) {
        chart.line(left, y(Double(decade)), 916, y(Double(decade)))
        chart.text(decimal(pow(10, Double(decade)), 0), x: left - 8, y: y(Double(decade)) + 4, anchor: .end)
    }
    let hasAccuracies = bars.contains { !$0.accuracies.isEmpty }
    for tick in stride(from: 0.0, through: 100, by: 20) where hasAccuracies {
        chart.text("\(tickText(tick)) %", x: 922, y: percent(tick) + 4)
    }
    for (place, bar) in bars.enumerated() {
        let x = left + slot * Double(place)
        let top = y(log10(Double(max(bar.trainingImages, 1))))
        let hint = "\(bar.name): \(bar.trainingImages) training images"
        chart.bar(
            x: x + slot * 0.12, y: top, width: slot * 0.76, height: bottom - top, color: "pale", hint: hint)
        for accuracy in bar.accuracies {
            chart.dot(
                x: x + slot / 2, y: percent(accuracy.percent), radius: min(5, max(1.5, slot / 4)),
                color: accuracy.color,
                hint: "\(bar.name), \(accuracy.what): \(decimal(accuracy.percent, 1)) %")
        }
        if isNamed {
            chart.slanted(bar.name, x: x + slot / 2, y: bottom + 14)
        }
    }
    var legend = [(name: "training images (left)", color: "pale")]
    for accuracy in bars.first(where: { !$0.accuracies.isEmpty })?.accuracies ?? [] {
        legend.append(("accuracy, \(accuracy.what) (right)", accuracy.color))
    }
    chart.legend(legend, x: left, y: height - 8)
    return chart.svg
}

extension QuantizationReport {
    /// Signal to noise of every layer, in the order of execution; layers with advice stand out.
    var errorChart: String {
        let shown = layers.filter { $0.signalToNoise != nil }
        guard let highest = shown.compactMap(\.signalToNoise).max(), highest > 0 else { return "" }
        let marked = Set(advice.map(\.layer))
        let row = 17.0
        let x = Scale(values: 0...max(highest, 40), positions: (250, 890))
        var chart = Chart(height: 28 + row * Double(shown.count), title: "Signal to noise of every layer")
        let bottom = 24 + row * Double(shown.count)
        for tick in x.ticks(8) {
            chart.line(x(tick), 20, x(tick), bottom)
            chart.text("\(tickText(tick))", x: x(tick), y: 13, anchor: .middle)
        }
        chart.text("dB", x: 940, y: 13, anchor: .end)
        for (number, layer) in shown.enumerated() {
            let y = 24 + row * Double(number)
            let ratio = layer.signalToNoise!
            let color = marked.contains(layer.name) ? "alert" : "main"
            chart.text(ellipsis(layer.name, 36), x: 240, y: y + 11, anchor: .end)
            chart.bar(
                x: 250, y: y + 2, width: x(max(ratio, 0)) - 250, height: row - 5, color: color,
                hint: "\(layer.name): \(decimal(ratio, 1)) dB, \(decimal(100 * layer.saturation, 2)) % saturated")
            chart.text(decimal(ratio, 1), x: x(max(ratio, 0)) + 6, y: y + 11, isStrong: true)
        }
        return chart.svg
    }

    /// Bytes alive during every layer, in the order of execution; the peak stands out.
    var arenaChart: String {
        guard let peak = peakLayer, peak.arenaBytes > 0 else { return "" }
        let slot = 860 / Double(layers.count)
        let y = Scale(values: 0...Double(peak.arenaBytes), positions: (190, 28))
        var chart = Chart(height: 226, title: "Bytes of the arena alive during every layer")
        for tick in y.ticks(4) {
            chart.line(76, y(tick), 940, y(tick))
            chart.text(bytesText(Int(tick)), x: 68, y: y(tick) + 4, anchor: .end)
        }
        var isPeakNamed = false
        for (number, layer) in layers.enumerated() {
            let x = 80 + slot * Double(number)
            let isPeak = layer.arenaBytes == peak.arenaBytes
            let top = y(Double(layer.arenaBytes))
            chart.bar(
                x: x + slot * 0.08, y: top, width: slot * 0.84, height: 190 - top, color: isPeak ? "second" : "main",
                hint: "\(layer.name): \(layer.arenaBytes) bytes")
            if isPeak && !isPeakNamed {
                isPeakNamed = true
                let isLeft = x < 500
                chart.text(
                    "peak: \(layer.name), \(bytesText(layer.arenaBytes))", x: isLeft ? x : x + slot, y: 18,
                    anchor: isLeft ? .start : .end, color: "second")
            }
        }
        chart.text("layers in the order of execution", x: 80, y: 212)
        return chart.svg
    }

    /// The file's sections as parts of one bar.
    var fileChart: String {
        let colors = ["main", "second", "third", "fourth", "pale", "soft"]
        let rest = fileBytes - fileSections.reduce(0) { $0 + $1.bytes }
        let parts = (fileSections.map { (name: $0.name, bytes: $0.bytes) } + [("header and gaps", rest)])
            .sorted { $0.bytes > $1.bytes }
        var chart = Chart(height: 62, title: "The file by section")
        var x = 0.0
        for (number, part) in parts.enumerated() {
            let width = 960 * Double(part.bytes) / Double(fileBytes)
            chart.bar(
                x: x, y: 4, width: width, height: 24, color: colors[min(number, colors.count - 1)],
                hint: "\(part.name): \(part.bytes) bytes")
            x += width
        }
        chart.legend(
            parts.prefix(5).enumerated().map { ("\($1.name) \(bytesText($1.bytes))", colors[$0]) }, x: 0, y: 52)
        return chart.svg
    }
}

func ellipsis(_ text: String, _ limit: Int) -> String {
    text.count <= limit ? text : "…\(text.suffix(limit - 1))"
}
