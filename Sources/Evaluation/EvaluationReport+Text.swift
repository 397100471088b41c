import Foundation

extension EvaluationReport {
    /// Tables for a terminal.
    public var text: String {
        (accuracyLines + choiceLines + classLines).joined(separator: "\n")
    }

    private var accuracyLines: [String] {
        var lines = [
            "Top-1 accuracy, %, on \(images) images of \(data)",
            "many: more than 100 training images, medium: 20 to 100, few: fewer than 20",
            "", line("", "", "all", FrequencyGroup.allCases.map(\.rawValue)),
        ]
        var seen: [Float] = []
        for alpha in rows.map(\.alpha) where !seen.contains(alpha) {
            seen.append(alpha)
            let alphaText = String(format: "alpha %g", alpha)
            for row in rows where row.alpha == alpha {
                lines.append(
                    line(alphaText, row.numbers.rawValue, row.accuracy.overall, row.accuracy.groups, signed: false))
            }
            for difference in differences where difference.alpha == alpha {
                lines.append(line("", "difference", difference.overall, difference.groups, signed: true))
            }
        }
        if let verdictText {
            lines += [""] + changeLines + [verdictText]
        }
        return lines
    }

    private var choiceLines: [String] {
        guard let choice else { return [] }
        return ["", choice.text]
    }

    /// The classes that change most; all are in the JSON and HTML reports.
    private var classLines: [String] {
        let shown = 10
        func change(_ row: ClassRow) -> Double {
            max(row.quantizationChange?.magnitude ?? 0, row.adjustmentChange?.magnitude ?? 0)
        }
        let changed = classes.filter { change($0) > 0 }.sorted { change($0) > change($1) }
        guard !changed.isEmpty else { return [] }
        var titles = ["training", "images"]
        titles += classes[0].float == nil ? [] : ["float32"]
        titles += classes[0].int8 == nil ? [] : ["int8"]
        titles += classes[0].adjusted == nil ? [] : [String(format: "alpha %g", alpha)]
        let width = min(changed.prefix(shown).map(\.name.count).max()!, 32) + 2
        func line(_ name: String, _ columns: [String]) -> String {
            name.prefix(width - 2).padding(toLength: width, withPad: " ", startingAt: 0)
                + columns.map { String(repeating: " ", count: max(1, 10 - $0.count)) + $0 }.joined()
        }
        let count = changed.count > shown ? "\(shown) of \(changed.count) classes that change" : "classes that change"
        return ["", "Most changed first, %: \(count)", line("", titles)]
            + changed.prefix(shown).map { row in
                line(
                    row.name,
                    [row.trainingImages.map(String.init) ?? "-", "\(row.images)"]
                        + [row.float, row.int8, row.adjusted].compactMap(\.self).map { String(format: "%.1f", $0) })
            }
    }

    private func line(
        _ alpha: String, _ numbers: String, _ overall: Double, _ groups: [FrequencyGroup: Double], signed: Bool
    ) -> String {
        let format = signed ? "%+.2f" : "%.2f"
        return line(
            alpha, numbers, String(format: format, overall),
            FrequencyGroup.allCases.map { group in groups[group].map { String(format: format, $0) } ?? "-" })
    }

    private func line(_ alpha: String, _ numbers: String, _ overall: String, _ groups: [String]) -> String {
        let columns = ([overall] + groups).map { String(repeating: " ", count: max(1, 8 - $0.count)) + $0 }
        return alpha.padding(toLength: 12, withPad: " ", startingAt: 0)
            + numbers.padding(toLength: 10, withPad: " ", startingAt: 0) + columns.joined()
    }
}

extension AlphaChoice {
    /// One line.
    public var text: String {
        let mean = curve.first { $0.alpha == alpha }!.classMean
        let figures = String(
            format: "alpha %g: %.2f %% mean class accuracy, %.2f at alpha 0", alpha, mean, curve[0].classMean)
        let doubt =
            isDecisive
            ? ""
            : "; they tell alphas hardly apart: the network knows them, choose with pictures it was not trained with"
        return "\(images) images of \(data) speak for \(figures)\(doubt)"
    }
}
