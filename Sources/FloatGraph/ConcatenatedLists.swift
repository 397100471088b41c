/// What concatenations consist of, down to what is none, and which of them begin with all of an earlier one.
///
/// Lists with a common beginning share it, as the paths of a tree: what a concatenation adds to its first part costs its own
/// length, not that of the whole.
struct ConcatenatedLists {
    typealias Value = FloatGraph.Value

    /// A list: its last part, and the list before that; 0 is the empty one.
    private struct Step: Hashable {
        let before: Int
        let part: Value
    }

    private var lists: [Step: Int] = [:]
    private var steps: [Step?] = [nil]
    private var lengths = [0]
    /// The first concatenation of each list.
    private var results: [Int: Value] = [:]
    private var listOfResult: [Value: Int] = [:]

    /// Longer lists, which no network has, are parts of others as a whole.
    private static let longest = 512

    /// The longest beginning of the inputs that was concatenated before.
    struct Beginning {
        /// Inputs that it covers, and what has become of them; nil where there is none of at least two.
        var count = 0
        var result: Value?
        /// Parts that were looked at.
        var steps = 0
    }

    /// The list of all parts of `inputs`, nil where it is too long to be kept, and what of it is known.
    mutating func list(of inputs: [Value]) -> (known: Beginning, list: Int?) {
        var known = Beginning()
        var list = 0
        for (index, input) in inputs.enumerated() {
            known.steps += 1
            if index == 0, let whole = listOfResult[input] {
                list = whole
                continue
            }
            let parts = listOfResult[input].map(allParts) ?? [input]
            guard lengths[list] + parts.count <= Self.longest else { return (known, nil) }
            known.steps += parts.count
            for part in parts { list = appending(part, to: list) }
            if index >= 1, index < inputs.count - 1, let result = results[list] {
                (known.count, known.result) = (index + 1, result)
            }
        }
        return (known, list)
    }

    /// Remembers what has become of a list.
    mutating func note(_ value: Value, _ list: Int?) {
        guard let list else { return }
        listOfResult[value] = list
        results[list] = results[list] ?? value
    }

    private mutating func appending(_ part: Value, to list: Int) -> Int {
        let step = Step(before: list, part: part)
        if let known = lists[step] { return known }
        lists[step] = steps.count
        steps.append(step)
        lengths.append(lengths[list] + 1)
        return steps.count - 1
    }

    private func allParts(_ list: Int) -> [Value] {
        var parts: [Value] = []
        var list = list
        while let step = steps[list] {
            parts.append(step.part)
            list = step.before
        }
        return parts.reversed()
    }
}
