/// How old a frame of `timestamp` is at `now`, nanoseconds of one clock, `rb_clock_ns`: what passed since the driver says that it
/// was taken, 0 where that is still to come.
public func frameAge(timestamp: UInt64, at now: UInt64) -> UInt64 {
    now - min(timestamp, now)
}
