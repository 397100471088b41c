import CheckpointWriter
import Testing

@testable import Checkpoint

@Suite struct PickleTests {
    private func interpret(_ bytes: [UInt8], memory: Int = 1 << 20) throws(CheckpointError) -> Pickle {
        try PickleInterpreter.interpret(bytes[...], memoryBudget: memory)
    }

    private func refusal(_ bytes: [UInt8], memory: Int = 1 << 20) -> CheckpointError? {
        #expect(throws: CheckpointError.self) { try interpret(bytes, memory: memory) }
    }

    /// The pickle's value as text.
    private func text(_ pickle: Pickle, _ value: Pickle.Value) -> String {
        switch value {
        case .none: "None"
        case .bool(let value): value ? "True" : "False"
        case .int(let value): String(value)
        case .float(let value): String(value)
        case .string(let value): "'\(value)'"
        case .bytes(let value): "b\(value)"
        case .tuple(let index): "(" + pickle.sequences[index].map { text(pickle, $0) }.joined(separator: ", ") + ")"
        case .list(let index): "[" + pickle.sequences[index].map { text(pickle, $0) }.joined(separator: ", ") + "]"
        case .dictionary(let index):
            "{" + pickle.dictionaries[index].map { "\(text(pickle, $0)): \(text(pickle, $1))" }.joined(separator: ", ")
                + "}"
        case .tensor(let index): "tensor\(pickle.tensors[index].shape)"
        case .placeholder(let index): pickle.className(ofPlaceholder: index)
        case .storage, .elementType, .global: "\(value)"
        }
    }

    // What CPython's pickle.dumps writes, in hexadecimal.
    @Test(arguments: [
        "80027d71002858010000006171015d7102284b014afeffffff4d2c014a701101008a06000000000001473fe000000000000065"
            + "580100000062710328294b018571044b014b028671054b014b024b03877106284b014b024b034b04747107747108752e",
        "80049552000000000000007d94288c0161945d94284b014afeffffff4d2c014a701101008a06000000000001473fe0000000000000"
            + "658c01629428294b0185944b014b0286944b014b024b038794284b014b024b034b0474947494752e",
    ])
    func `plain data of protocols 2 and 4 is read`(hex: String) throws {
        let digits = Array(hex)
        let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16) ?? 0 }
        let pickle = try interpret(bytes)
        #expect(
            text(pickle, pickle.root)
                == "{'a': [1, -2, 300, 70000, 1099511627776, 0.5], 'b': ((), (1), (1, 2), (1, 2, 3), (1, 2, 3, 4))}")
    }

    @Test func `a list that was memoized while empty is the list that was filled`() throws {
        // l = []; (l, l) after l.append(True)
        let pickle = try interpret(Array("]q\u{0}".utf8) + [0x88] + Array("ah\u{0}".utf8) + [0x86] + Array(".".utf8))
        #expect(text(pickle, pickle.root) == "([True], [True])")
    }

    @Test func `integers of every length keep their sign`() throws {
        for (digits, expected) in [
            ([], "0"), ([0xFF], "-1"), ([0x00, 0x80], "-32768"), ([0xFF, 0x00], "255"),
            ([0, 0, 0, 0, 0, 0, 0, 0x80], String(Int64.min)),
            ([1, 2, 3, 4, 5, 6, 7, 8, 9], "b[1, 2, 3, 4, 5, 6, 7, 8, 9]"),
        ] as [([UInt8], String)] {
            let pickle = try interpret([0x8A, UInt8(digits.count)] + digits + Array(".".utf8))
            #expect(text(pickle, pickle.root) == expected)
        }
    }

    @Test func `an unknown operation is named with its offset`() {
        // INST, which old pickles use to make instances.
        #expect(refusal(Array("Niposix\nsystem\n.".utf8)) == .unknownOperation(UInt8(ascii: "i"), offset: 1))
    }

    @Test(arguments: ["posix.system", "builtins.eval", "torch.load", "torch.storage._load_from_bytes", "numpy.load"])
    func `a call of an unknown global becomes a placeholder with its name`(name: String) throws {
        let dot = name.lastIndex(of: ".") ?? name.startIndex
        let item = Item.call(.global(String(name[..<dot]), String(name[dot...].dropFirst())), [.text("x")])
        let pickle = try interpret(item.pickle)
        #expect(text(pickle, pickle.root) == name)
    }

    @Test func `objects of unknown classes take state and items without meaning`() throws {
        let object = Item.raw(Item.global("lib", "Thing").bytes + Array(")".utf8) + [0x81])
        let built = Item.build(object, state: .dictionary([("a", .int(1))]))
        let filled = Item.raw(
            built.bytes + Array("(".utf8) + Item.text("k").bytes + Item.int(2).bytes + Array("u(".utf8)
                + Item.int(3).bytes
                + Array("e".utf8))
        let pickle = try interpret(filled.pickle)
        #expect(text(pickle, pickle.root) == "lib.Thing")
        #expect(text(pickle, try #require(pickle.member("k", of: pickle.root))) == "2")
    }

    @Test(arguments: [
        ("", "the end is missing"), ("N", "the end is missing"), ("X\u{5}\u{0}\u{0}\u{0}abc.", "the end is missing"),
        (".", "too few values"), ("NN.", "left over"), ("(N.", "left over"), ("N(s.", "too few values"),
        ("Nt.", "no mark"),
        ("h\u{3}.", "nothing is memoized as 3"), ("q\u{0}.", "too few values"), ("NNa.", "no list"),
        ("}(Nu.", "without a value"), ("cnumpy", "has no end"), ("NNR.", "without arguments"), ("N)R.", "no global"),
        ("NNb.", "has none"),
        ("NQ.", "no storage"), ("cnumpy\nndarray\n)R.", "a call of a class"),
    ])
    func `a malformed pickle is refused`(pickle: String, reason: String) {
        #expect(refusal(Array(pickle.utf8))?.description.contains(reason) == true)
    }

    @Test(arguments: [
        Item.tensor(.int(1), shape: [1], strides: [1]), .tensor(.storage("0", count: -1), shape: [1], strides: [1]),
        .tensor(.storage("0", count: 1, type: "UntypedStorage"), shape: [1], strides: [1]),
        .persistent(.tuple([.text("storage"), .int(1), .text("0"), .text("cpu"), .int(1)])),
        .persistent(
            .tuple([
                .text("storage"), .global("torch", "FloatStorage"), .text("0"), .text("cpu"), .int(1),
                .tuple([.text("1"), .int(0), .int(1)]),
            ])),
        .call(
            .global("torch._utils", "_rebuild_tensor_v2"), [.storage("0", count: 1), .int(0), .list([]), .tuple([])]),
        .call(.global("torch._utils", "_rebuild_parameter"), [.int(1), .bool(true), .none]),
        .call(.global("collections", "OrderedDict"), [.list([.int(1)])]),
        .array([0, 0, 0, 0], order: ">", shape: [1]),
        .call(.global("_codecs", "encode"), [.text("x"), .text("rot13")]),
        .call(.global("_codecs", "encode"), [.text("\u{100}"), .text("latin1")]),
    ])
    func `a known global with other arguments than its own is refused`(item: Item) {
        #expect(throws: CheckpointError.self) { try interpret(item.pickle) }
    }

    @Test func `nesting a million deep is read without recursion`() throws {
        let deep = Array(")".utf8) + [UInt8](repeating: 0x85, count: 1_000_000) + Array(".".utf8)
        let pickle = try interpret(deep, memory: 1 << 30)
        #expect(pickle.sequences.count == 1_000_001)
    }

    @Test func `values beyond the memory budget are refused`() {
        let lists = [UInt8](repeating: UInt8(ascii: "]"), count: 10_000)
        #expect(refusal(lists) == .tooLarge("the pickle's structure"))
    }

    @Test func `decoding one long text again and again is refused`() {
        let long = Item.text(String(repeating: "x", count: 10_000)).bytes + Array("q\u{0}0".utf8)
        let again = Item.call(.global("_codecs", "encode"), [.raw(Array("h\u{0}".utf8)), .text("latin1")]).bytes
        #expect(refusal(long + (0..<200).flatMap { _ in again }) == .tooLarge("the pickle's structure"))
    }
}
