/// A drawing in SVG, `width` by `height` units, inline in a page whose style it uses. Colours are names of the page's style.
struct Chart {
    let width: Double
    let height: Double
    /// What it shows, for readers who cannot see it.
    let title: String
    private var content: [String] = []

    init(width: Double = 960, height: Double, title: String) {
        self.width = width
        self.height = height
        self.title = title
    }

    enum Anchor: String {
        case start, middle, end
    }

    mutating func text(
        _ text: String, x: Double, y: Double, anchor: Anchor = .start, isStrong: Bool = false, color: String? = nil
    ) {
        let style = (isStrong ? " class=\"strong\"" : "") + (color.map { " style=\"fill: var(--\($0))\"" } ?? "")
        content.append(
            "<text x=\"\(short(x))\" y=\"\(short(y))\" text-anchor=\"\(anchor)\"\(style)>\(escaped(text))</text>")
    }

    /// A name below a bar, rising to its end.
    mutating func slanted(_ text: String, x: Double, y: Double) {
        content.append(
            "<text transform=\"translate(\(short(x)) \(short(y))) rotate(-40)\" text-anchor=\"end\">"
                + "\(escaped(text.count <= 18 ? text : text.prefix(17) + "…"))</text>")
    }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, style: String = "grid") {
        content.append(
            "<line class=\"\(style)\" x1=\"\(short(x1))\" y1=\"\(short(y1))\" x2=\"\(short(x2))\" y2=\"\(short(y2))\"/>"
        )
    }

    /// `hint` shows under the pointer.
    mutating func bar(x: Double, y: Double, width: Double, height: Double, color: String, hint: String) {
        content.append(
            "<rect x=\"\(short(x))\" y=\"\(short(y))\" width=\"\(short(max(width, 0.5)))\" height=\"\(short(max(height, 0.5)))\" "
                + "rx=\"\(short(min(2, width / 4)))\" style=\"fill: var(--\(color))\"><title>\(escaped(hint))</title></rect>"
        )
    }

    mutating func dot(x: Double, y: Double, radius: Double, color: String, hint: String) {
        content.append(
            "<circle cx=\"\(short(x))\" cy=\"\(short(y))\" r=\"\(short(radius))\" style=\"fill: var(--\(color))\">"
                + "<title>\(escaped(hint))</title></circle>")
    }

    mutating func path(_ points: [(x: Double, y: Double)], color: String, isDashed: Bool = false) {
        let steps = points.enumerated().map { "\($0 == 0 ? "M" : "L")\(short($1.x)) \(short($1.y))" }
        content.append(
            "<path\(isDashed ? " class=\"dashed\"" : "") style=\"stroke: var(--\(color))\" d=\"\(steps.joined(separator: " "))\"/>"
        )
    }

    /// Names with their colours, side by side from `x`.
    mutating func legend(_ entries: [(name: String, color: String)], x: Double, y: Double) {
        var x = x
        for entry in entries {
            bar(x: x, y: y - 9, width: 10, height: 10, color: entry.color, hint: entry.name)
            text(entry.name, x: x + 15, y: y)
            x += 15 + 7 * Double(entry.name.count) + 18
        }
    }

    var svg: String {
        "<svg viewBox=\"0 0 \(short(width)) \(short(height))\" role=\"img\" aria-label=\"\(escaped(title))\">\n"
            + content.joined(separator: "\n") + "\n</svg>"
    }
}

/// A number for a coordinate: at most two decimals.
private func short(_ value: Double) -> String {
    let text = decimal(value, 2)
    return String(text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed())
}

/// A range of values on a stretch of a chart.
struct Scale {
    let values: ClosedRange<Double>
    /// Where the lowest and the highest value stand.
    let positions: (Double, Double)

    func callAsFunction(_ value: Double) -> Double {
        let extent = values.upperBound - values.lowerBound
        return positions.0 + (positions.1 - positions.0) * (extent > 0 ? (value - values.lowerBound) / extent : 0)
    }

    /// About `count` round values inside.
    func ticks(_ count: Int) -> [Double] {
        let extent = values.upperBound - values.lowerBound
        guard extent > 0 else { return [values.lowerBound] }
        var step = 1e-9
        let factors = [2.0, 2.5, 2.0]
        var next = 0
        while extent / step > Double(count) {
            step *= factors[next % 3]
            next += 1
        }
        let first = (values.lowerBound / step - 1e-9).rounded(.up)
        let last = (values.upperBound / step + 1e-9).rounded(.down)
        return first > last ? [] : stride(from: first, through: last, by: 1).map { $0 == 0 ? 0 : $0 * step }
    }

    /// From a little below the lowest to a little above the highest of some values, in tens.
    static func tens(around values: [Double]) -> ClosedRange<Double> {
        let low = ((values.min() ?? 0) / 10).rounded(.down) * 10
        let high = ((values.max() ?? 100) / 10).rounded(.up) * 10
        return low...max(high, low + 10)
    }
}

/// A tick's text without needless decimals.
func tickText(_ value: Double) -> String {
    var text = decimal(value, 3)
    if text.contains(".") {
        text = String(text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed())
    }
    return text
}
