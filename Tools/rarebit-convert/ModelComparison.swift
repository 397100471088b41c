import Foundation
import ModelFormat
import Quantization

/// What two models have in common and where they differ, in lines; the second against the first.
func comparison(of first: Model, _ second: Model) -> [String] {
    guard !first.bytes.elementsEqual(second.bytes) else { return ["the same bytes"] }
    return ["sections"] + sections(first, second) + ["head"] + head(first, second) + ["operations"]
        + operations(first, second)
}

private func sections(_ first: Model, _ second: Model) -> [String] {
    var lines = [difference("file", first.bytes.count, second.bytes.count, isSame: false)]
    for kind in SectionKind.allCases {
        let (a, b) = (first.contents(of: kind), second.contents(of: kind))
        guard !a.isEmpty || !b.isEmpty else { continue }
        lines.append(difference("\(kind.name)", a.count, b.count, isSame: a.elementsEqual(b)))
    }
    lines.append(
        difference(
            "arena", first.activationBytes, second.activationBytes,
            isSame: first.activationBytes == second.activationBytes))
    return lines
}

private func difference(_ name: String, _ a: Int, _ b: Int, isSame: Bool) -> String {
    let sizes =
        a == b
        ? "\(a) bytes" : "\(a) -> \(b) bytes (\(String(format: "%+.1f %%", 100 * Double(b - a) / Double(max(a, 1)))))"
    return "  \(name.padded(to: 16)) \(isSame ? "same" : "differs"), \(sizes)"
}

private func head(_ first: Model, _ second: Model) -> [String] {
    let (a, b) = (first.head, second.head)
    let fields: [(String, String, String)] = [
        ("classes", "\(a.classes)", "\(b.classes)"), ("features", "\(a.dimensions)", "\(b.dimensions)"),
        ("heads", "\(a.heads)", "\(b.heads)"), ("tau", "\(a.tau)", "\(b.tau)"), ("gamma", "\(a.gamma)", "\(b.gamma)"),
        ("default alpha", "\(a.defaultAlpha)", "\(b.defaultAlpha)"),
        ("directions", a.hasDirections == 1 ? "yes" : "no", b.hasDirections == 1 ? "yes" : "no"),
    ]
    let changed = fields.filter { $0.1 != $0.2 }.map { "  \($0.0.padded(to: 16)) \($0.1) -> \($0.2)" }
    return changed.isEmpty ? ["  the same parameters"] : changed
}

private func operations(_ first: Model, _ second: Model) -> [String] {
    let (a, b) = (first.operationsByName, second.operationsByName)
    var lines: [String] = []
    var same = 0
    for index in 0..<second.operationCount {
        let name = second.name(ofOperation: index)
        guard let old = a[name] else {
            lines.append("  \(name): only in the second")
            continue
        }
        let changes = changes(first, old, second, second.operation(index))
        same += changes.isEmpty ? 1 : 0
        lines += changes.isEmpty ? [] : ["  \(name): \(changes.joined(separator: "; "))"]
    }
    lines += (0..<first.operationCount).map(first.name(ofOperation:)).filter { b[$0] == nil }
        .map { "  \($0): only in the first" }
    return lines + ["  \(same) of \(second.operationCount) the same in shape, weights and scales"]
}

private func changes(_ first: Model, _ old: OperationRecord, _ second: Model, _ new: OperationRecord) -> [String] {
    guard kind(of: old) == kind(of: new), shape(old.input) == shape(new.input), shape(old.output) == shape(new.output),
        old.weightBytes == new.weightBytes
    else {
        return [
            "\(kind(of: old)) \(shape(old.input)) -> \(shape(old.output)) became \(kind(of: new)) \(shape(new.input)) -> "
                + shape(new.output)
        ]
    }
    var changes: [String] = []
    if old.output.scale != new.output.scale || old.output.zeroPoint != new.output.zeroPoint {
        let percent = String(format: "%+.2f %%", 100 * (Double(new.output.scale) / Double(old.output.scale) - 1))
        let zero =
            old.output.zeroPoint == new.output.zeroPoint
            ? "" : ", zero point \(old.output.zeroPoint) -> \(new.output.zeroPoint)"
        changes.append("output scale \(percent)\(zero)")
    }
    guard old.weightBytes > 0 else { return changes }
    let (a, b) = (first.realWeights(of: old), second.realWeights(of: new))
    // The scales come from rounded multipliers: the same weight can differ in its last bits.
    let differing = zip(a, b).count { abs($0 - $1) > 1e-6 * abs($0) }
    if differing > 0 {
        let signal = a.reduce(0) { $0 + $1 * $1 }
        let noise = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let ratio = signal > 0 && noise > 0 ? String(format: ", %.1f dB apart", 10 * log10(signal / noise)) : ""
        changes.append("\(differing) of \(a.count) weights differ\(ratio)")
    }
    return changes
}

extension Model {
    fileprivate var operationsByName: [String: OperationRecord] {
        Dictionary((0..<operationCount).map { (name(ofOperation: $0), operation($0)) }, uniquingKeysWith: { $1 })
    }

    fileprivate func name(ofOperation index: Int) -> String {
        String(decoding: operationName(index), as: UTF8.self)
    }

    /// Of a convolution, in the units of the network: int8 times the channel's scale.
    fileprivate func realWeights(of operation: OperationRecord) -> [Double] {
        let channels = Int(operation.output.channels)
        let perChannel = Int(operation.weightBytes) / channels
        let weights = weights(of: operation).assumingMemoryBound(to: Int8.self)
        let multipliers = (parameters(of: operation) + 4 * channels).assumingMemoryBound(to: Float.self)
        return (0..<channels).flatMap { channel in
            // The multiplier is input scale * weight scale / output scale.
            let scale =
                Double(multipliers[channel]) * Double(operation.output.scale) / Double(operation.input.scale)
            return (0..<perChannel).map { Double(weights[channel * perChannel + $0]) * scale }
        }
    }
}
