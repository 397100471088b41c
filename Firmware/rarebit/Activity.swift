import Platform
import Text

/// What the program is doing, for the line that a crash writes.
func setActivity(_ activity: CText) {
    rb_set_activity(activity.start)
}
