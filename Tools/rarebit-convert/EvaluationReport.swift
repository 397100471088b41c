import Evaluation
import Foundation

/// Figures of one evaluation, as a table and as JSON.
struct EvaluationReport {
    let data: String
    let images: Int
    let rows: [AccuracyRow]

    /// One for each alpha where both number formats were measured.
    var differences: [AccuracyDifference] {
        rows.filter { $0.numbers == .float32 }.compactMap { float in
            rows.first { $0.numbers == .int8 && $0.alpha == float.alpha }
                .map { AccuracyDifference(float: float, int8: $0) }
        }
    }

    var text: String {
        var lines = [
            "Top-1 accuracy, %, on \(images) images of \(data)",
            "many: more than 100 training images, medium: 20 to 100, few: fewer than 20",
            "", line("", "", "all", FrequencyGroup.allCases.map(\.rawValue)),
        ]
        for alpha in alphas {
            let alphaText = String(format: "alpha %g", alpha)
            for row in rows where row.alpha == alpha {
                lines.append(
                    line(alphaText, row.numbers.rawValue, row.accuracy.overall, row.accuracy.groups, signed: false))
            }
            for difference in differences where difference.alpha == alpha {
                lines.append(line("", "difference", difference.overall, difference.groups, signed: true))
            }
        }
        if !differences.isEmpty {
            let verdict = differences.allSatisfy(\.isWithinLimits) ? "yes" : "NO"
            lines += [
                "",
                "int8 within \(QuantizationLimits.overall) points of float32 overall, "
                    + "\(QuantizationLimits.group) in every group: \(verdict)",
            ]
        }
        return lines.joined(separator: "\n")
    }

    private var alphas: [Float] {
        var seen: [Float] = []
        for row in rows where !seen.contains(row.alpha) {
            seen.append(row.alpha)
        }
        return seen
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

extension EvaluationReport: Encodable {
    private enum CodingKeys: String, CodingKey {
        case data, images, rows, differences
        case withinLimits = "within_limits"
    }

    private struct Figures: Encodable {
        let numbers: String?
        let alpha: Float
        let all: Double
        let many: Double?
        let medium: Double?
        let few: Double?

        init(_ numbers: String?, _ alpha: Float, _ overall: Double, _ groups: [FrequencyGroup: Double]) {
            self.numbers = numbers
            self.alpha = alpha
            all = overall
            (many, medium, few) = (groups[.many], groups[.medium], groups[.few])
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(data, forKey: .data)
        try container.encode(images, forKey: .images)
        try container.encode(
            rows.map { Figures($0.numbers.rawValue, $0.alpha, $0.accuracy.overall, $0.accuracy.groups) }, forKey: .rows)
        guard !differences.isEmpty else { return }
        try container.encode(
            differences.map { Figures(nil, $0.alpha, $0.overall, $0.groups) }, forKey: .differences)
        try container.encode(differences.allSatisfy(\.isWithinLimits), forKey: .withinLimits)
    }
}
