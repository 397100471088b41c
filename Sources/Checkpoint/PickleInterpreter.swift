/// Interprets the pickle operations that PyTorch writes, over inert values.
///
/// Operations: those of protocols 2 to 5 that Python's pickler emits for plain data, REDUCE and BUILD of the globals in
/// `Global`, and persistent ids for storages. Any other operation or global is an error.
/// Source of the operations: `Lib/pickletools.py` of CPython.
struct PickleInterpreter {
    private let bytes: ArraySlice<UInt8>
    private var position: Int
    /// Start of the operation being interpreted, for errors.
    private var operationStart: Int
    private var stack: [Pickle.Value] = []
    private var marks: [Int] = []
    private var memo: [Int: Pickle.Value] = [:]
    /// Bytes of memory that may still be taken.
    private var budget: Int
    var pickle = Pickle()

    /// Approximate memory of one value on the stack, in a container or in the memo, growth of the array included.
    private static let valueCost = 64
    private static let containerCost = 160

    /// - Parameter memoryBudget: bytes that the values may take, approximately.
    static func interpret(_ bytes: ArraySlice<UInt8>, memoryBudget: Int) throws(CheckpointError) -> Pickle {
        var interpreter = PickleInterpreter(bytes, memoryBudget: memoryBudget)
        while try interpreter.step() {}
        return interpreter.pickle
    }

    private init(_ bytes: ArraySlice<UInt8>, memoryBudget: Int) {
        self.bytes = bytes
        position = bytes.startIndex
        operationStart = bytes.startIndex
        budget = memoryBudget
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
        case .long1: try pushLong(byteCount: Int(try take(UInt8.self)))
        case .binFloat: try push(.float(Double(bitPattern: try take(UInt64.self).byteSwapped)))

        case .shortBinUnicode: try pushText(byteCount: UInt64(try take(UInt8.self)))
        case .binUnicode: try pushText(byteCount: UInt64(try take(UInt32.self)))
        case .binUnicode8: try pushText(byteCount: try take(UInt64.self))
        case .shortBinBytes: try pushBytes(byteCount: UInt64(try take(UInt8.self)))
        case .binBytes: try pushBytes(byteCount: UInt64(try take(UInt32.self)))
        case .binBytes8: try pushBytes(byteCount: try take(UInt64.self))

        case .mark:
            try charge(Self.valueCost)
            marks.append(stack.count)
        case .pop: _ = try pop()
        case .popMark: _ = try popToMark()
        case .emptyTuple: try push(.tuple(try add(sequence: [])))
        case .tuple: try pushTuple(try popToMark())
        case .tuple1: try pushTuple(try pop(1))
        case .tuple2: try pushTuple(try pop(2))
        case .tuple3: try pushTuple(try pop(3))
        case .emptyList: try push(.list(try add(sequence: [])))
        case .append: try append(try pop(1))
        case .appends: try append(try popToMark())
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
        case .reduce:
            guard case .tuple(let arguments) = try pop(), case .global(let global) = try pop() else {
                throw malformed("a call of what is no known global")
            }
            try push(try construct(global, pickle.sequences[arguments]))
        case .build:
            let state = try pop()
            try push(try build(try pop(), state: state))
        case .persistentID: try push(try storage(try pop()))
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
        let longest = 256
        guard let end = bytes[position...].prefix(longest).firstIndex(of: 0x0A),
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

    private mutating func push(_ value: Pickle.Value) throws(CheckpointError) {
        try charge(Self.valueCost)
        stack.append(value)
    }

    /// Values below the last mark belong to an unfinished container and are out of reach.
    private mutating func pop(_ count: Int) throws(CheckpointError) -> [Pickle.Value] {
        guard stack.count - (marks.last ?? 0) >= count else { throw malformed("too few values on the stack") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func pop() throws(CheckpointError) -> Pickle.Value {
        let value = try top()
        stack.removeLast()
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
        return Array(stack[mark...])
    }

    private mutating func memoize(as index: Int) throws(CheckpointError) {
        try charge(Self.valueCost)
        memo[index] = try top()
    }

    private mutating func recall(_ index: Int) throws(CheckpointError) {
        guard let value = memo[index] else { throw malformed("nothing is memoized as \(index)") }
        try push(value)
    }

    mutating func add(sequence: [Pickle.Value]) throws(CheckpointError) -> Int {
        try charge(Self.containerCost)
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

    // MARK: Values

    private mutating func pushLong(byteCount: Int) throws(CheckpointError) {
        let digits = try take(byteCount: UInt64(byteCount))
        try charge(byteCount)
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

    private mutating func pushBytes(byteCount: UInt64) throws(CheckpointError) {
        let data = try take(byteCount: byteCount)
        try charge(data.count)
        try push(.bytes(Array(data)))
    }

    private mutating func pushTuple(_ elements: [Pickle.Value]) throws(CheckpointError) {
        try push(.tuple(try add(sequence: elements)))
    }

    private mutating func append(_ elements: [Pickle.Value]) throws(CheckpointError) {
        guard case .list(let index) = try top() else { throw malformed("appending to what is no list") }
        pickle.sequences[index].append(contentsOf: elements)
    }

    private mutating func setItems(_ items: [Pickle.Value]) throws(CheckpointError) {
        guard case .dictionary(let index) = try top() else { throw malformed("setting items of what is no dictionary") }
        guard items.count.isMultiple(of: 2) else { throw malformed("a key without a value") }
        for item in stride(from: 0, to: items.count, by: 2) {
            pickle.dictionaries[index].append((key: items[item], value: items[item + 1]))
        }
    }

    private mutating func pushGlobal(module: String, name: String) throws(CheckpointError) {
        guard let global = Global(module: module, name: name) else {
            throw .unknownGlobal("\(module).\(name)", offset: operationStart - bytes.startIndex)
        }
        try push(.global(global))
    }
}

/// The operations that are interpreted; the raw values are the pickle's bytes.
private enum PickleOperation: UInt8 {
    case protocolVersion = 0x80
    case frame = 0x95
    case stop = 0x2E  // .

    case none = 0x4E  // N
    case newTrue = 0x88
    case newFalse = 0x89
    case binInt = 0x4A  // J
    case binInt1 = 0x4B  // K
    case binInt2 = 0x4D  // M
    case long1 = 0x8A
    case binFloat = 0x47  // G

    case shortBinUnicode = 0x8C
    case binUnicode = 0x58  // X
    case binUnicode8 = 0x8D
    case shortBinBytes = 0x43  // C
    case binBytes = 0x42  // B
    case binBytes8 = 0x8E

    case mark = 0x28  // (
    case pop = 0x30  // 0
    case popMark = 0x31  // 1
    case emptyTuple = 0x29  // )
    case tuple = 0x74  // t
    case tuple1 = 0x85
    case tuple2 = 0x86
    case tuple3 = 0x87
    case emptyList = 0x5D  // ]
    case append = 0x61  // a
    case appends = 0x65  // e
    case emptyDictionary = 0x7D  // }
    case setItem = 0x73  // s
    case setItems = 0x75  // u

    case binGet = 0x68  // h
    case longBinGet = 0x6A  // j
    case binPut = 0x71  // q
    case longBinPut = 0x72  // r
    case memoize = 0x94

    case global = 0x63  // c
    case stackGlobal = 0x93
    case reduce = 0x52  // R
    case build = 0x62  // b
    case persistentID = 0x51  // Q
}
