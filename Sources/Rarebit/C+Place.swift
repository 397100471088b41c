import RarebitHeader

/// Where C keeps a value of this library: an opaque structure of the header, with a mark in front that says whether there is a
/// value behind it. A structure that holds anything else is told from one that was filled, unless by bad luck of one in 2^64.
struct Place<Value: ~Copyable> {
    private let start: UnsafeMutableRawPointer
    private let mark: UInt64
    /// What is wrong where it is not filled.
    private let absence: ArgumentFault

    fileprivate init(_ start: UnsafeMutableRawPointer, bytes: Int, mark: UInt64, absence: ArgumentFault) {
        precondition(8 + MemoryLayout<Value>.alignment - 1 + MemoryLayout<Value>.size <= bytes)
        (self.start, self.mark, self.absence) = (start, mark, absence)
    }

    var isFilled: Bool { start.loadUnaligned(as: UInt64.self) == mark }

    /// To be used only where it is filled. C aligns the structure by 8 bytes, and values may want more.
    var value: UnsafeMutablePointer<Value> {
        (start + 8).alignedUp(for: Value.self).assumingMemoryBound(to: Value.self)
    }

    /// The value that the place must hold.
    func filled() throws(CallError) -> UnsafeMutablePointer<Value> {
        guard isFilled else { throw .argument(absence) }
        return value
    }

    func fill(with value: consuming Value) {
        self.value.initialize(to: value)
        start.storeBytes(of: mark, as: UInt64.self)
    }

    func clear() {
        guard isFilled else { return }
        start.storeBytes(of: 0, as: UInt64.self)
        value.deinitialize(count: 1)
    }
}

extension Place where Value == OpenModel {
    init(_ model: UnsafePointer<rarebit_model>?) throws(CallError) {
        guard let model else { throw .argument(.missing("model")) }
        self.init(
            UnsafeMutableRawPointer(mutating: model), bytes: MemoryLayout<rarebit_model>.size,
            mark: 0x6d6f_6465_6c9a_0001, absence: .notOpen)
    }
}

extension Place where Value == StartedEngine {
    init(_ engine: UnsafePointer<rarebit_engine>?) throws(CallError) {
        guard let engine else { throw .argument(.missing("engine")) }
        self.init(
            UnsafeMutableRawPointer(mutating: engine), bytes: MemoryLayout<rarebit_engine>.size,
            mark: 0x656e_6769_6e9a_0001, absence: .notStarted)
    }
}

extension Place where Value == StartedView {
    init(_ view: UnsafePointer<rarebit_view>?) throws(CallError) {
        guard let view else { throw .argument(.missing("view")) }
        self.init(
            UnsafeMutableRawPointer(mutating: view), bytes: MemoryLayout<rarebit_view>.size,
            mark: 0x7669_6577_769a_0001, absence: .noView)
    }
}
