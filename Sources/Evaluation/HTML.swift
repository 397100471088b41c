import Foundation

/// Text for HTML: of text content and of quoted attributes.
func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
        switch character {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "'": result += "&#39;"
        // What XML and HTML do not allow at all.
        case "\0"..<"\t", "\u{B}"..<"\r", "\u{E}"..<" ", "\u{7F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
        default: result.unicodeScalars.append(character)
        }
    }
    return result
}

/// One self-contained page: its style stands in it, and it refers to nothing outside. It is well-formed XML too.
func htmlPage(title: String, body: String) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8"/>
    <meta name="viewport" content="width=device-width, initial-scale=1"/>
    <title>\(escaped(title))</title>
    <style>
    \(pageStyle)
    </style>
    </head>
    <body>
    <main>
    \(body)
    </main>
    </body>
    </html>

    """
}

/// `text` becomes a section with a heading; nothing where `parts` are all empty.
func section(_ heading: String, _ parts: String...) -> String {
    let content = parts.filter { !$0.isEmpty }.joined(separator: "\n")
    return content.isEmpty ? "" : "<section>\n<h2>\(escaped(heading))</h2>\n\(content)\n</section>"
}

func paragraph(_ text: String, style: String = "note") -> String {
    "<p class=\"\(style)\">\(escaped(text))</p>"
}

/// Figures side by side, each with what it is below it.
func tiles(_ tiles: [(figure: String, meaning: String)]) -> String {
    "<div class=\"tiles\">"
        + tiles.map { "<div><b>\(escaped($0.figure))</b><span>\(escaped($0.meaning))</span></div>" }.joined()
        + "</div>"
}

/// The first column holds names, the others numbers. `marked` rows stand out.
func table(_ titles: [String], _ rows: [[String]], marked: Set<Int> = []) -> String {
    func row(_ cells: [String], _ tag: String, _ style: String = "") -> String {
        "<tr\(style)>" + cells.map { "<\(tag)>\(escaped($0))</\(tag)>" }.joined() + "</tr>"
    }
    let body = rows.enumerated().map { row($1, "td", marked.contains($0) ? " class=\"marked\"" : "") }
    return "<div class=\"scroll\"><table><thead>\(row(titles, "th"))</thead>\n<tbody>\n"
        + body.joined(separator: "\n") + "\n</tbody></table></div>"
}

func folded(_ summary: String, _ content: String) -> String {
    "<details><summary>\(escaped(summary))</summary>\n\(content)\n</details>"
}

/// 1234567 as "1.23 MB": decimal units, three significant digits.
func bytesText(_ bytes: Int) -> String {
    var (value, unit) = (Double(bytes), 0)
    while value >= 999.5 && unit < 3 {
        value /= 1000
        unit += 1
    }
    let decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
    return "\(decimal(value, decimals)) \(["B", "kB", "MB", "GB"][unit])"
}

func decimal(_ value: Double, _ decimals: Int) -> String {
    String(format: "%.\(decimals)f", value)
}

private let pageStyle = """
    :root { --ink: #1c2430; --soft: #5d6b7c; --line: #dde3ea; --paper: #ffffff; --ground: #f4f6f9; --main: #2f6fdb;
      --second: #e07b39; --third: #2a9d77; --fourth: #a04fc4; --alert: #c8372d; --pale: #a9c4f3; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e6ebf2; --soft: #9aa7b8; --line: #333d4a; --paper: #1b222c; --ground: #12171e; --main: #6ea0f5;
        --second: #f0a06a; --third: #58c9a4; --fourth: #c98be6; --alert: #ff7b70; --pale: #35507f; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
    main { max-width: 1040px; margin: 0 auto; padding: 32px 20px 64px; }
    h1 { font-size: 26px; margin: 0 0 4px; overflow-wrap: anywhere; }
    h2 { font-size: 17px; margin: 0 0 12px; }
    .lead, .note { color: var(--soft); margin: 0 0 14px; }
    .good { color: var(--third); font-weight: 600; margin: 12px 0 0; }
    .bad { color: var(--alert); font-weight: 600; margin: 12px 0 0; }
    section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 20px 22px; margin: 18px 0; }
    section > :last-child { margin-bottom: 0; }
    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 20px 0; }
    .tiles div { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; }
    .tiles b { display: block; font-size: 22px; line-height: 1.25; }
    .tiles span { color: var(--soft); font-size: 13px; }
    .scroll { overflow-x: auto; margin: 0 0 14px; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
    th, td { text-align: right; padding: 4px 10px; border-bottom: 1px solid var(--line); white-space: nowrap; }
    th { color: var(--soft); font-weight: 600; }
    th:first-child, td:first-child { text-align: left; padding-left: 0; }
    tr.marked td { color: var(--alert); }
    tr:last-child td { border-bottom: 0; }
    ul { margin: 0 0 14px; padding-left: 20px; }
    details summary { cursor: pointer; color: var(--main); margin: 4px 0 10px; }
    svg { display: block; width: 100%; height: auto; margin: 0 0 14px; }
    svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
    svg text.strong { fill: var(--ink); }
    svg .grid { stroke: var(--line); stroke-width: 1; }
    svg .mark { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 3; }
    svg path { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
    svg .dashed { stroke-dasharray: 5 4; stroke-width: 1.6; }
    @media print { body { background: none; } section { break-inside: avoid; } }
    """
