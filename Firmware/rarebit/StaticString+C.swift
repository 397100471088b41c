import Platform
import Text

extension StaticString {
    static func == (text: StaticString, other: UnsafePointer<CChar>) -> Bool {
        for index in 0..<text.utf8CodeUnitCount where other[index] != CChar(bitPattern: text.utf8Start[index]) {
            return false
        }
        return other[text.utf8CodeUnitCount] == 0
    }
}

/// What the program is doing, for the line that a crash writes.
func setActivity(_ activity: StaticString) {
    rb_set_activity(activity.cString)
}
