import Foundation
import Quantization

extension ConversionReport {
    /// One page that needs nothing else.
    public var html: String {
        htmlPage(
            title: "\(title): Rarebit report",
            body: [
                "<h1>\(escaped(title))</h1>", lead, tiles(figures), accuracySection, choiceSection, reliabilitySection,
                frequencySection,
                errorSection, memorySection, layerSection,
            ].filter { !$0.isEmpty }.joined(separator: "\n"))
    }

    private var lead: String {
        guard let conversion else {
            return evaluation.map { paragraph("Evaluated on \($0.images) images of \($0.data)", style: "lead") } ?? ""
        }
        let calibration = conversion.calibration
        return paragraph(
            "\(conversion.architecture) from \(conversion.source), calibrated with \(calibration.images) images of "
                + "\(calibration.data) (\(calibration.method.rawValue))", style: "lead")
    }

    private var figures: [(figure: String, meaning: String)] {
        var figures: [(String, String)] = []
        if let evaluation {
            for row in evaluation.rows where row.numbers == .int8 || evaluation.differences.isEmpty {
                let alpha = "alpha \(tickText(Double(row.alpha)))"
                figures.append(("\(decimal(row.accuracy.overall, 2)) %", "\(row.numbers.rawValue), \(alpha)"))
            }
        }
        if let conversion {
            let quantization = conversion.quantization
            let size = conversion.inputSize
            figures += [
                (bytesText(quantization.fileBytes), "model file"),
                (bytesText(quantization.activationBytes), "arena: activations and scratch"),
                ("\(decimal(Double(quantization.multiplyAdds) / 1e6, 1)) M", "multiply-adds a picture"),
                ("\(size[1]) x \(size[0])", "input, \(conversion.classes.count) classes"),
            ]
        }
        return figures
    }

    // MARK: Accuracy

    private var accuracySection: String {
        guard let evaluation else { return "" }
        func cells(_ overall: Double, _ groups: [FrequencyGroup: Double], signed: Bool) -> [String] {
            ([overall] + FrequencyGroup.allCases.map { groups[$0] }).map { value in
                value.map { String(format: signed ? "%+.2f" : "%.2f", $0) } ?? "-"
            }
        }
        var rows: [[String]] = []
        for row in evaluation.rows {
            let name = "\(row.numbers.rawValue), alpha \(tickText(Double(row.alpha)))"
            rows.append([name] + cells(row.accuracy.overall, row.accuracy.groups, signed: false))
            if row.numbers == .int8, let difference = evaluation.differences.first(where: { $0.alpha == row.alpha }) {
                rows.append(["difference"] + cells(difference.overall, difference.groups, signed: true))
            }
        }
        let verdict = evaluation.verdictText.map {
            paragraph(
                (evaluation.changeLines + [$0]).joined(separator: ". "),
                style: evaluation.verdict == .beyond ? "bad" : "good")
        }
        return section(
            "Accuracy",
            paragraph(
                "Top-1, %, on \(evaluation.images) images of \(evaluation.data). Classes by training images: many have more than "
                    + "100, medium 20 to 100, few fewer than 20; a group's figure is the mean of its classes'."),
            table(["", "all"] + FrequencyGroup.allCases.map(\.rawValue), rows),
            evaluation.alphaChart(chosen: choice?.alpha), verdict ?? "",
            classTable(evaluation))
    }

    private func classTable(_ evaluation: EvaluationReport) -> String {
        guard !evaluation.classes.isEmpty else { return "" }
        func percent(_ value: Double?) -> String { value.map { decimal($0, 1) } ?? "-" }
        func change(_ value: Double?) -> String { value.map { String(format: "%+.1f", $0) } ?? "-" }
        let rows = evaluation.classes.map { row in
            [
                row.name, row.trainingImages.map(String.init) ?? "-", "\(row.images)", percent(row.float),
                percent(row.int8), change(row.quantizationChange), percent(row.adjusted), change(row.adjustmentChange),
            ]
        }
        let alpha = "alpha \(tickText(Double(evaluation.alpha)))"
        return folded(
            "Every class",
            table(["class", "training images", "images", "float32", "int8", "change", alpha, "change"], rows))
    }

    private var choice: AlphaChoice? { evaluation?.choice ?? conversion?.alphaChoice }

    private var choiceSection: String {
        guard let choice else { return "" }
        let x = Scale(
            values: 0...Double(max(choice.curve.last!.alpha, 0.1)), positions: (52, 940))
        let y = Scale(values: Scale.tens(around: choice.curve.map(\.classMean)), positions: (150, 16))
        var chart = Chart(height: 182, title: "Mean class accuracy over alpha")
        for tick in y.ticks(5) {
            chart.line(52, y(tick), 940, y(tick))
            chart.text(tickText(tick), x: 44, y: y(tick) + 4, anchor: .end)
        }
        for tick in x.ticks(10) {
            chart.text(tickText(tick), x: x(tick), y: 170, anchor: .middle)
        }
        chart.path(choice.curve.map { (x(Double($0.alpha)), y($0.classMean)) }, color: "main")
        let best = choice.curve.first { $0.alpha == choice.alpha }!
        chart.dot(
            x: x(Double(best.alpha)), y: y(best.classMean), radius: 5, color: "second",
            hint: "alpha \(tickText(Double(best.alpha))): \(decimal(best.classMean, 2)) %")
        return section("Choice of alpha", paragraph(choice.text), choice.curve.count > 1 ? chart.svg : "")
    }

    private var reliabilitySection: String {
        guard let choice = conversion?.temperatureChoice else { return "" }
        return section(
            "Reliability",
            paragraph(
                "How often answers are right that are said to be so probable, at alpha \(tickText(Double(choice.alpha))), on \(choice.images) "
                    + "images of \(choice.data): calibration error \(decimal(100 * choice.before.error, 2)) % with a temperature of 1, "
                    + "\(decimal(100 * choice.after.error, 2)) % with one found on the other half of the images."
                    + (choice.bounds.map { " Of the temperatures below: \($0)." } ?? "")),
            choice.chart,
            folded(
                "Every temperature",
                table(
                    ["alpha", "temperature"],
                    choice.points.map { [tickText(Double($0.alpha)), decimal(Double($0.temperature), 3)] })))
    }

    private var frequencySection: String {
        var bars: [FrequencyBar] = []
        if let evaluation {
            bars = evaluation.classes.compactMap { row in
                guard let count = row.trainingImages else { return nil }
                let plain = (row.int8 ?? row.float).map { ($0, "main", "alpha 0") }
                let adjusted = row.adjusted.map { ($0, "second", "alpha \(tickText(Double(evaluation.alpha)))") }
                return FrequencyBar(
                    name: row.name, trainingImages: count, accuracies: [plain, adjusted].compactMap(\.self))
            }
        }
        if bars.isEmpty, let conversion {
            bars = conversion.classes.compactMap { known in
                known.trainingImages.map { FrequencyBar(name: known.name, trainingImages: $0, accuracies: []) }
            }
        }
        return section("Class frequency", frequencyChart(bars))
    }

    // MARK: Layers

    private var errorSection: String {
        guard let conversion else { return "" }
        let quantization = conversion.quantization
        let lines = conversion.advice.map { "\($0.layer): \($0.text)" } + conversion.warnings
        let list = lines.map { "<li>\(escaped($0))</li>" }.joined()
        return section(
            "What int8 costs, layer by layer",
            paragraph(
                "Signal to quantisation noise of every layer's output, on \(quantization.measuredImages) calibration images: int8 by "
                    + "the device's code against float32. Noise of earlier layers is in it; 20 dB is an error of a tenth."
            ),
            lines.isEmpty ? paragraph("No layer stands out.", style: "good") : "<ul>\(list)</ul>",
            quantization.errorChart)
    }

    private var memorySection: String {
        guard let quantization = conversion?.quantization else { return "" }
        let rest = quantization.fileBytes - quantization.fileSections.reduce(0) { $0 + $1.bytes }
        return section(
            "Memory",
            paragraph(
                "The arena takes \(quantization.activationBytes) bytes; the largest step needs "
                    + "\(quantization.leastActivationBytes), below which no plan can go. Packed weights come on top, by "
                    + "the device's instruction set."),
            quantization.arenaChart,
            paragraph("The file has \(quantization.fileBytes) bytes."), quantization.fileChart,
            folded(
                "Every section",
                table(
                    ["section", "bytes"],
                    quantization.fileSections.map { [$0.name, "\($0.bytes)"] } + [["header and gaps", "\(rest)"]])))
    }

    private var layerSection: String {
        guard let conversion else { return "" }
        let advised = Set(conversion.advice.map(\.layer))
        let layers = conversion.quantization.layers
        func decibels(_ ratio: Double?) -> String { ratio.map { decimal($0, 1) } ?? "-" }
        let rows = layers.map { layer in
            [
                layer.name, layer.kind, layer.outputShape.map(String.init).joined(separator: " x "),
                decimal(Double(layer.multiplyAdds) / 1e6, 2), decibels(layer.signalToNoise),
                decibels(layer.weightSignalToNoise), decimal(100 * layer.saturation, 2), "\(layer.arenaBytes)",
                "\(layer.weightBytes)",
                layer.range.map { "\(rounded($0.chosen.lowerBound)) to \(rounded($0.chosen.upperBound))" } ?? "-",
                layer.range?.method.rawValue ?? "-",
            ]
        }
        let titles = [
            "layer", "kind", "output", "MMAC", "dB", "weights dB", "saturated %", "arena bytes", "weight bytes",
            "range", "by",
        ]
        let marked = Set(layers.indices.filter { advised.contains(layers[$0].name) })
        return section("Every layer", table(titles, rows, marked: marked))
    }
}

private func rounded(_ value: Float) -> String {
    String(format: "%.3g", value)
}
