/// What a pickle says, as inert values: nothing of it was looked up, called or run. Other forms of files are put into the
/// same form, as the dictionary of tensors that they are.
///
/// Containers stand in arenas and refer to each other by index, so that the shared and even circular structures a
/// pickle can build cost no recursion, here or when they are released.
struct Pickle {
    enum Value {
        case none
        case bool(Bool)
        case int(Int)
        case float(Double)
        case string(String)
        case bytes([UInt8])
        /// Index into `sequences`; a pickle's lists can still grow, its tuples cannot.
        case tuple(Int)
        case list(Int)
        /// Index into `dictionaries`.
        case dictionary(Int)
        /// Index into `storages`.
        case storage(Int)
        /// Index into `tensors`: a PyTorch tensor or a NumPy array.
        case tensor(Int)
        case elementType(ElementType)
        case global(Global)
        /// Index into `placeholders`.
        case placeholder(Int)
    }

    /// A PyTorch storage of `count` elements, by its key in the file.
    struct Storage {
        let key: String
        /// nil where the pickle leaves it to the tensors: an untyped storage, whose `count` is in bytes.
        let type: ElementType?
        let count: Int

        var elementSize: Int { type?.size ?? 1 }
    }

    /// What stands for a class that is not known here, or an object of one: its name and, as inert values, what the pickle
    /// sets on it.
    struct Placeholder {
        /// Index into `classNames`.
        let className: Int
        /// What BUILD gave it: for most objects the dictionary of their attributes.
        var state = Value.none
        /// Items set on it, where it is a kind of dictionary: index into `dictionaries`.
        var items: Int?
    }

    var root = Value.none
    var sequences: [[Value]] = []
    /// In the order of insertion; a key may stand twice, and the last one counts.
    var dictionaries: [[(key: Value, value: Value)]] = []
    var storages: [Storage] = []
    var placeholders: [Placeholder] = []
    /// The classes that are not known here, each once, in the order of their first mention.
    var classNames: [String] = []
    var tensors: [TensorReference] = []

    func className(ofPlaceholder index: Int) -> String { classNames[placeholders[index].className] }

    /// The value of a dictionary's key, or nil where `value` is no dictionary or has no such key.
    func member(_ name: String, of value: Value) -> Value? {
        items(of: value)?.last { entry in
            if case .string(name) = entry.key { true } else { false }
        }?.value
    }

    /// The items of a dictionary, or of an object that is a kind of dictionary.
    func items(of value: Value) -> [(key: Value, value: Value)]? { dictionary(of: value).map { dictionaries[$0] } }

    /// Where they stand in `dictionaries`.
    func dictionary(of value: Value) -> Int? {
        switch value {
        case .dictionary(let index): index
        case .placeholder(let index): placeholders[index].items
        default: nil
        }
    }

    /// A dictionary's key as text, for listings and errors.
    func text(ofKey key: Value) -> String {
        switch key {
        case .string(let text): text
        case .int(let number): String(number)
        default: "?"
        }
    }
}
