import CheckpointWriter
import Testing

@testable import Checkpoint

/// Work is counted, not timed: it grows with the file and no faster.
@Suite struct WorkTests {
    private static let small = Item.array([1], code: "u1", order: "|", shape: [1])

    /// An object that holds itself under every name that a container may have, and `items` more under one long text.
    private static func itself(items: Int) -> Item {
        let names = ["state_dict_best", "best_state_dict", "state_dict", "model", "net", "network", "ema", "model_ema"]
        let object = Item.global("D", "D").bytes + Array(")".utf8) + [0x81] + Array("q\u{0}(".utf8)
        let own = names.flatMap { Item.text($0).bytes + Array("h\u{0}".utf8) }
        let key = Item.text("state_dict_best_and_more_text").bytes + Array("q\u{1}".utf8)
        let more = key + Array("N".utf8) + (1..<items).flatMap { _ in Array("h\u{1}N".utf8) }
        return .raw(object + own + more + Array("u".utf8))
    }

    private func pickle(_ root: Item) throws(CheckpointError) -> Pickle {
        try PickleInterpreter.interpret(root.pickle[...], memoryBudget: 1 << 24)
    }

    @Test func `a container that holds itself under every name is looked through a few times`() throws {
        for items in [1000, 4000] {
            var search = WeightSearch(try pickle(Self.itself(items: items)))
            #expect(try search.find().isEmpty)
            #expect((items..<3 * items).contains(search.itemsSeen))
        }
    }

    @Test func `a module that stands in many places with much in it is looked through a bounded number of times`()
        throws
    {
        // 200 places of one module with 10,000 attributes that are no tensors.
        let attributes = (0..<10_000).map { ("\($0)", Item.none) }
        let module = Item.build(
            .raw(Item.global("m", "M").bytes + Array(")".utf8) + [0x81]),
            state: .dictionary([("_parameters", .dictionary(attributes))]))
        let first = Item.raw(module.bytes + Array("q\u{0}".utf8))
        let places = (0..<200).map { ("\($0)", $0 == 0 ? first : Item.raw(Array("h\u{0}".utf8))) }
        let root = Item.build(
            .raw(Item.global("m", "N").bytes + Array(")".utf8) + [0x81]),
            state: .dictionary([("_modules", .dictionary(places))]))
        var search = WeightSearch(try pickle(root))
        #expect(throws: CheckpointError.tooLarge("a list of all modules")) { try search.find() }
        #expect(search.itemsSeen < 20 * 10_000)
    }

    @Test func `a class's name is kept once, however often it is called, and is no longer than names are`() throws {
        let calls = (0..<1000).map { _ in Item.call(.global("some.module", "Class"), []) }
        let pickle = try pickle(.list(calls))
        #expect(pickle.classNames == ["some.module.Class"] && pickle.placeholders.count == 2000)

        let name = Item.text(String(repeating: "n", count: 1 << 20)).bytes
        let long = Item.raw(name + name + [0x93])
        #expect(throws: CheckpointError.self) { try self.pickle(long) }
    }

    @Test func `an element type of endless name is refused`() {
        let type = Item.type(String(repeating: "f", count: 1 << 16))
        #expect(throws: CheckpointError.self) { try pickle(type) }
    }
}

@Suite struct CheckedSizeTests {
    @Test func `what does not fit stays beyond every limit`() {
        let large = CheckedSize(.max)
        for size in [large * CheckedSize(2), large + CheckedSize(1), CheckedSize(-1), CheckedSize(-1) * CheckedSize(0)]
        {
            #expect(size.value == nil && !(size <= .max) && (size + CheckedSize(1)).value == nil)
        }
        #expect(large <= .max && (CheckedSize(3) * CheckedSize(4) + CheckedSize(5)).value == 17)
    }

    @Test func `a zero makes a product zero, whatever else is in it but a negative number`() {
        #expect(CheckedSize(productOf: [.max, .max, 0]).value == 0 && CheckedSize(productOf: [0, -1]).value == nil)
        #expect(CheckedSize(productOf: []).value == 1 && CheckedSize(productOf: [.max, 2]).value == nil)
    }
}
