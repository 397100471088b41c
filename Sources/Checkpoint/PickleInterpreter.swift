/// Interprets the pickle operations that PyTorch writes, over inert values.
///
/// Operations: those of protocols 2 to 5. A call of a `Global` makes what it stands for; a call of anything else, and every
/// object of a foreign class, becomes a placeholder. Nothing is imported, called or run. Any other operation is an error.
/// Source of the operations: `Lib/pickletools.py` of CPython.
struct PickleInterpreter {
    private let bytes: ArraySlice<UInt8>
    /// The next byte; after the last operation, where the pickle ends.
    private(set) var position: Int
    /// Start of the operation being interpreted, for errors.
    private var operationStart: Int
    private var stack: [Pickle.Value] = []
    private var marks: [Int] = []
    private var memo: [Int: Pickle.Value] = [:]
    /// Where each of the pickle's class names stands.
    private var classNames: [String: Int] = [:]
    /// Bytes of memory that may still be taken.
    private var budget: Int
    var pickle = Pickle()

    /// Approximate memory of one value on the stack, in a container or in the memo, growth of the array included. What
    /// leaves the stack gives its memory back; containers, texts and memo entries stay.
    private static let valueCost = 48
    private static let containerCost = 128
    /// A hash table keeps its old half while it grows.
    private static let memoCost = 96
    /// Of a class with its module.
    private static let longestName = 512

    /// - Parameter memoryBudget: bytes that the values may take, approximately.
    static func interpret(_ bytes: ArraySlice<UInt8>, memoryBudget: Int) throws(CheckpointError) -> Pickle {
        var interpreter = PickleInterpreter(bytes, memoryBudget: memoryBudget)
        return try interpreter.next()
    }

    init(_ bytes: ArraySlice<UInt8>, memoryBudget: Int) {
        self.bytes = bytes
        position = bytes.startIndex
        operationStart = bytes.startIndex
        budget = memoryBudget
    }

    /// Interprets the next of the pickles that stand one after the other; they share the budget and nothing else.
    mutating func next() throws(CheckpointError) -> Pickle {
        pickle = Pickle()
        (memo, classNames) = ([:], [:])
        while try step() {}
        return pickle
    }

    /// Interprets one operation; false after the last.
    private mutating func step() throws(CheckpointError) -> Bool {
        operationStart = position
        let code = try take(UInt8.self)
        guard let operation = PickleOperation(rawValue: code) else {
            throw .unknownOperation(code, offset: operationStart - bytes.startIndex)
        }
        switch operation {
        case .protocolVersion:
            let version = try take(UInt8.self)
            guard version <= 5 else { throw malformed("protocol \(version)") }
        case .frame:
            guard try take(UInt64.self) <= UInt64(bytes.endIndex - position) else { throw malformed("frame too long") }
        case .stop:
            pickle.root = try pop()
            guard stack.isEmpty, marks.isEmpty else { throw malformed("values left over at the end") }
            return false

        case .none: try push(.none)
        case .newTrue: try push(.bool(true))
        case .newFalse: try push(.bool(false))
        case .binInt: try push(.int(Int(Int32(bitPattern: try take(UInt32.self)))))
        case .binInt1: try push(.int(Int(try take(UInt8.self))))
        case .binInt2: try push(.int(Int(try take(UInt16.self))))
        case .long1: try pushLong(byteCount: UInt64(try take(UInt8.self)))
        case .long4: try pushLong(byteCount: UInt64(try take(UInt32.self)))
        case .binFloat: try push(.float(Double(bitPattern: try take(UInt64.self).byteSwapped)))

        case .shortBinUnicode: try pushText(byteCount: UInt64(try take(UInt8.self)))
        case .binUnicode: try pushText(byteCount: UInt64(try take(UInt32.self)))
        case .binUnicode8: try pushText(byteCount: try take(UInt64.self))
        case .shortBinBytes: try pushBytes(byteCount: UInt64(try take(UInt8.self)))
        case .binBytes: try pushBytes(byteCount: UInt64(try take(UInt32.self)))
        case .binBytes8, .byteArray8: try pushBytes(byteCount: try take(UInt64.self))
        case .shortBinString: try pushPython2Text(byteCount: UInt64(try take(UInt8.self)))
        case .binString: try pushPython2Text(byteCount: UInt64(try take(UInt32.self)))

        case .mark:
            try charge(Self.valueCost)
            marks.append(stack.count)
        case .pop: _ = try pop()
        case .popMark: _ = try popToMark()
        case .duplicate: try push(try top())
        case .emptyTuple: try push(.tuple(try add(sequence: [])))
        case .tuple: try pushTuple(try popToMark())
        case .tuple1: try pushTuple(try pop(1))
        case .tuple2: try pushTuple(try pop(2))
        case .tuple3: try pushTuple(try pop(3))
        // Sets are lists here: nothing that is read from a checkpoint is one.
        case .emptyList, .emptySet: try push(.list(try add(sequence: [])))
        case .frozenSet: try push(.list(try add(sequence: try popToMark())))
        case .append: try append(try pop(1))
        case .appends, .addItems: try append(try popToMark())
        case .emptyDictionary: try push(try addDictionary())
        case .setItem: try setItems(try pop(2))
        case .setItems: try setItems(try popToMark())

        case .binGet: try recall(Int(try take(UInt8.self)))
        case .longBinGet: try recall(Int(try take(UInt32.self)))
        case .binPut: try memoize(as: Int(try take(UInt8.self)))
        case .longBinPut: try memoize(as: Int(try take(UInt32.self)))
        case .memoize: try memoize(as: memo.count)

        case .global: try pushGlobal(module: try takeLine(), name: try takeLine())
        case .stackGlobal:
            guard case .string(let name) = try pop(), case .string(let module) = try pop() else {
                throw malformed("a global's name is not text")
            }
            try pushGlobal(module: module, name: name)
        case .reduce, .newObject: try pushObject(arguments: try pop())
        case .newObjectWithKeywords:
            _ = try pop()
            try pushObject(arguments: try pop())
        case .build:
            let state = try pop()
            try push(try build(try pop(), state: state))
        case .persistentID: try push(try persistent(try pop()))
        }
        return true
    }

    // MARK: Input

    private mutating func take<T: FixedWidthInteger>(_ type: T.Type) throws(CheckpointError) -> T {
        let size = MemoryLayout<T>.size
        guard bytes.endIndex - position >= size else { throw malformed("the end is missing") }
        var value: T = 0
        for offset in (0..<size).reversed() {
            value = T(truncatingIfNeeded: UInt64(truncatingIfNeeded: value) << 8 | UInt64(bytes[position + offset]))
        }
        position += size
        return value
    }

    private mutating func take(byteCount: UInt64) throws(CheckpointError) -> ArraySlice<UInt8> {
        guard byteCount <= UInt64(bytes.endIndex - position) else { throw malformed("the end is missing") }
        defer { position += Int(byteCount) }
        return bytes[position..<position + Int(byteCount)]
    }

    private mutating func takeLine() throws(CheckpointError) -> String {
        guard let end = bytes[position...].prefix(Self.longestName).firstIndex(of: 0x0A),
            let line = String(validating: bytes[position..<end], as: UTF8.self)
        else { throw malformed("a global's name has no end") }
        position = end + 1
        return line
    }

    func malformed(_ what: String) -> CheckpointError {
        .malformedPickle(what, offset: operationStart - bytes.startIndex)
    }

    // MARK: Memory

    mutating func charge(_ bytes: Int) throws(CheckpointError) {
        guard bytes <= budget else { throw .tooLarge("the pickle's structure") }
        budget -= bytes
    }

    mutating func chargeValues(_ count: Int) throws(CheckpointError) {
        try charge(count * Self.valueCost)
    }

    private mutating func push(_ value: Pickle.Value) throws(CheckpointError) {
        try charge(Self.valueCost)
        stack.append(value)
    }

    /// Values below the last mark belong to an unfinished container and are out of reach.
    private mutating func pop(_ count: Int) throws(CheckpointError) -> [Pickle.Value] {
        guard stack.count - (marks.last ?? 0) >= count else { throw malformed("too few values on the stack") }
        defer { stack.removeLast(count) }
        budget += count * Self.valueCost
        return Array(stack.suffix(count))
    }

    private mutating func pop() throws(CheckpointError) -> Pickle.Value {
        let value = try top()
        stack.removeLast()
        budget += Self.valueCost
        return value
    }

    private func top() throws(CheckpointError) -> Pickle.Value {
        guard stack.count > marks.last ?? 0, let value = stack.last else {
            throw malformed("too few values on the stack")
        }
        return value
    }

    private mutating func popToMark() throws(CheckpointError) -> [Pickle.Value] {
        guard let mark = marks.popLast() else { throw malformed("no mark on the stack") }
        defer { stack.removeSubrange(mark...) }
        budget += (1 + stack.count - mark) * Self.valueCost
        return Array(stack[mark...])
    }

    private mutating func memoize(as index: Int) throws(CheckpointError) {
        try charge(Self.memoCost)
        memo[index] = try top()
    }

    private mutating func recall(_ index: Int) throws(CheckpointError) {
        guard let value = memo[index] else { throw malformed("nothing is memoized as \(index)") }
        try push(value)
    }

    mutating func add(sequence: [Pickle.Value]) throws(CheckpointError) -> Int {
        try charge(Self.containerCost + sequence.count * Self.valueCost)
        pickle.sequences.append(sequence)
        return pickle.sequences.count - 1
    }

    mutating func addDictionary() throws(CheckpointError) -> Pickle.Value {
        try charge(Self.containerCost)
        pickle.dictionaries.append([])
        return .dictionary(pickle.dictionaries.count - 1)
    }

    mutating func add(tensor: TensorReference) throws(CheckpointError) -> Pickle.Value {
        try charge(Self.containerCost)
        pickle.tensors.append(tensor)
        return .tensor(pickle.tensors.count - 1)
    }

    /// The name is compared with all others: it must be no longer than names are.
    mutating func addPlaceholder(named name: String) throws(CheckpointError) -> Pickle.Value {
        guard name.utf8.count <= Self.longestName else { throw malformed("a global's name has no end") }
        if let known = classNames[name] { return try addPlaceholder(ofClass: known) }
        try charge(Self.containerCost + 2 * name.utf8.count)
        classNames[name] = pickle.classNames.count
        pickle.classNames.append(name)
        return try addPlaceholder(ofClass: pickle.classNames.count - 1)
    }

    private mutating func addPlaceholder(ofClass name: Int) throws(CheckpointError) -> Pickle.Value {
        try charge(Self.containerCost)
        pickle.placeholders.append(Pickle.Placeholder(className: name))
        return .placeholder(pickle.placeholders.count - 1)
    }

    // MARK: Values

    private mutating func pushLong(byteCount: UInt64) throws(CheckpointError) {
        let digits = try take(byteCount: byteCount)
        try charge(digits.count)
        guard byteCount <= 8 else {
            // Nothing here computes with integers beyond 64 bits, such as random seeds; they are kept as digits.
            return try push(.bytes(Array(digits)))
        }
        let sign: UInt64 = digits.last.map { $0 >= 0x80 } ?? false ? .max : 0
        let bits = digits.reversed().reduce(sign) { $0 << 8 | UInt64($1) }
        try push(.int(Int(Int64(bitPattern: bits))))
    }

    private mutating func pushText(byteCount: UInt64) throws(CheckpointError) {
        let utf8 = try take(byteCount: byteCount)
        try charge(utf8.count)
        guard let text = String(validating: utf8, as: UTF8.self) else { throw malformed("text is not UTF-8") }
        try push(.string(text))
    }

    /// Text of Python 2, whose encoding the pickle does not say.
    private mutating func pushPython2Text(byteCount: UInt64) throws(CheckpointError) {
        let text = try take(byteCount: byteCount)
        // A byte that is no UTF-8 becomes a character of three.
        try charge(3 * text.count)
        try push(.string(String(decoding: text, as: UTF8.self)))
    }

    private mutating func pushBytes(byteCount: UInt64) throws(CheckpointError) {
        let data = try take(byteCount: byteCount)
        try charge(data.count)
        try push(.bytes(Array(data)))
    }

    private mutating func pushTuple(_ elements: [Pickle.Value]) throws(CheckpointError) {
        try push(.tuple(try add(sequence: elements)))
    }

    private mutating func append(_ elements: [Pickle.Value]) throws(CheckpointError) {
        try chargeValues(elements.count)
        switch try top() {
        case .list(let index): pickle.sequences[index].append(contentsOf: elements)
        case .placeholder: break
        default: throw malformed("appending to what is no list")
        }
    }

    private mutating func setItems(_ items: [Pickle.Value]) throws(CheckpointError) {
        let index: Int
        switch try top() {
        case .dictionary(let known): index = known
        case .placeholder(let placeholder): index = try itemsOfPlaceholder(placeholder)
        default: throw malformed("setting items of what is no dictionary")
        }
        guard items.count.isMultiple(of: 2) else { throw malformed("a key without a value") }
        try chargeValues(items.count)
        for item in stride(from: 0, to: items.count, by: 2) {
            pickle.dictionaries[index].append((key: items[item], value: items[item + 1]))
        }
    }

    private mutating func itemsOfPlaceholder(_ placeholder: Int) throws(CheckpointError) -> Int {
        if let items = pickle.placeholders[placeholder].items { return items }
        try charge(Self.containerCost)
        pickle.dictionaries.append([])
        pickle.placeholders[placeholder].items = pickle.dictionaries.count - 1
        return pickle.dictionaries.count - 1
    }

    private mutating func pushGlobal(module: String, name: String) throws(CheckpointError) {
        guard module.utf8.count + name.utf8.count < Self.longestName else {
            throw malformed("a global's name has no end")
        }
        if let global = Global(module: module, name: name) { return try push(.global(global)) }
        try push(try addPlaceholder(named: "\(module).\(name)"))
    }

    /// What a call or an instantiation of the value on the stack makes.
    private mutating func pushObject(arguments: Pickle.Value) throws(CheckpointError) {
        let callee = try pop()
        guard case .tuple(let arguments) = arguments else { throw malformed("a call without arguments") }
        switch callee {
        case .global(let global): try push(try construct(global, pickle.sequences[arguments]))
        case .placeholder(let index):
            // How Python instantiates a class with protocols before 2: (class, base class, base class's state).
            if pickle.className(ofPlaceholder: index).hasSuffix("._reconstructor"),
                case .placeholder(let type)? = pickle.sequences[arguments].first
            {
                return try push(try addPlaceholder(ofClass: pickle.placeholders[type].className))
            }
            try push(try addPlaceholder(ofClass: pickle.placeholders[index].className))
        default: throw malformed("a call of what is no global")
        }
    }
}
