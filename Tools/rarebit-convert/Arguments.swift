import ArgumentParser

// Turn an option's text into its value, or say what to give instead.

/// A strength of the TDE adjustment.
func alpha(_ text: String) throws -> Float {
    guard let value = Float(text), (0...1000).contains(value) else {
        throw ValidationError("give a number from 0 to 1000")
    }
    return value
}

/// "0,1.5"
func alphas(_ text: String) throws -> [Float] {
    do {
        return try text.split(separator: ",", omittingEmptySubsequences: false).map { try alpha(String($0)) }
    } catch {
        throw ValidationError("give numbers from 0 to 1000 with commas between, like 0,1.5")
    }
}

/// How many images to look at.
func imageCount(_ text: String) throws -> Int {
    guard let value = Int(text), (1...1_000_000).contains(value) else {
        throw ValidationError("give a number from 1 to 1000000")
    }
    return value
}

/// K of a classifier.
func headCount(_ text: String) throws -> Int {
    guard let value = Int(text), (1...65535).contains(value) else {
        throw ValidationError("give a whole number above 0 that divides the number of features")
    }
    return value
}

func finiteNumber(_ text: String) throws -> Float {
    guard let value = Float(text), value.isFinite else { throw ValidationError("give a number") }
    return value
}

func positiveNumber(_ text: String) throws -> Float {
    guard let value = Float(text), value.isFinite, value > 0 else { throw ValidationError("give a number above 0") }
    return value
}

func numberFromZero(_ text: String) throws -> Float {
    guard let value = Float(text), value.isFinite, value >= 0 else { throw ValidationError("give a number from 0 up") }
    return value
}

/// "0.485,0.456,0.406": for red, green and blue.
func channelNumbers(_ text: String) throws -> SIMD3<Float> {
    let numbers = text.split(separator: ",", omittingEmptySubsequences: false).compactMap { Float($0) }
    guard numbers.count == 3, text.count(where: { $0 == "," }) == 2 else {
        throw ValidationError("give three numbers with commas between")
    }
    return SIMD3(numbers)
}

struct InputSize {
    let height: Int
    let width: Int
}

/// "3x32x32": channels, height, width.
func inputSize(_ text: String) throws -> InputSize {
    let numbers = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 3, numbers[0] == 3, let height = numbers[1], let width = numbers[2] else {
        throw ValidationError("give 3, the height and the width with x between, like 3x32x32")
    }
    return InputSize(height: height, width: width)
}
