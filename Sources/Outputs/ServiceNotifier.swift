import Text

/// What the program is doing, as a service manager's user wants to know it.
public enum ServiceActivity: Sendable {
    /// Frames come and are answered.
    case classifying
    /// No frames come; `reason` is what is wrong with the camera: "unplugged".
    case searching(reason: StaticString)

    func isSame(as other: ServiceActivity) -> Bool {
        switch (self, other) {
        case (.classifying, .classifying): true
        case (.searching(let one), .searching(let two)): one.utf8Start == two.utf8Start
        default: false
        }
    }
}

/// One message for a service manager, in the terms of systemd's sd_notify(3).
public struct ServiceNotice {
    public var isReady = false
    /// nil: the status text stays.
    public var status: ServiceActivity?
    /// Over the time since the last status; nil where that is too short to tell.
    public var framesPerSecond: Double?
    public var feedsWatchdog = false

    public init() {}
}

/// Decides what a service manager is told of the running program, and when.
///
/// - **Ready**: with the first notice, when the program is set up and its source has started or is being looked for. Not
///   only with the first answer: waiting for a camera is what the service does while there is none, and a start that hung
///   until somebody plugs one in would be ended by the manager's time limit and hold up whatever is ordered behind it.
/// - **Status**: what it is doing, at once when that changes (once a second at most), and the frame rate every 5 s.
/// - **Watchdog**: a sign of life only if a frame was answered or a recovery step taken since the last one. A loop that
///   turns without getting anywhere is as good as hung, and is restarted.
public struct ServiceNotifier {
    private static var second: UInt64 { 1_000_000_000 }
    private static var statusInterval: UInt64 { 5 * second }

    /// Nanoseconds between signs of life; nil: nobody watches.
    private let watchdogInterval: UInt64?
    private var isReady = false
    private var hasProgressed = false
    private var lastFeed: UInt64?
    private var status: ServiceActivity?
    private var lastStatus: UInt64 = 0
    private var framesSinceStatus = 0
    private var notBefore: UInt64 = 0

    /// `watchdogLimit`: how long the manager waits for a sign of life, microseconds; 0: it does not.
    public init(watchdogLimit: UInt64) {
        // Two signs could get lost on the way, or come late, without harm.
        watchdogInterval = watchdogLimit > 0 ? min(watchdogLimit, UInt64.max / 1000) * 1000 / 4 : nil
    }

    public mutating func frameAnswered() {
        hasProgressed = true
        framesSinceStatus += 1
    }

    public mutating func recoveryStepTaken() {
        hasProgressed = true
    }

    /// The next notice says again that the program is ready, as one that has read its configuration anew must.
    public mutating func configurationRead() {
        isReady = false
        notBefore = 0
    }

    /// What is to be told at `now`, nanoseconds of the monotonic clock; nil: nothing. To be followed by `delivered` or
    /// `undelivered`.
    public func notice(of activity: ServiceActivity, now: UInt64) -> ServiceNotice? {
        guard now >= notBefore else { return nil }
        var notice = ServiceNotice()
        notice.isReady = !isReady
        if isStatusDue(activity, now: now) {
            notice.status = activity
            notice.framesPerSecond = frameRate(in: activity, now: now)
        }
        if let watchdogInterval, hasProgressed {
            notice.feedsWatchdog = lastFeed.map { now - $0 >= watchdogInterval } ?? true
        }
        return notice.isReady || notice.status != nil || notice.feedsWatchdog ? notice : nil
    }

    private func isStatusDue(_ activity: ServiceActivity, now: UInt64) -> Bool {
        guard let status else { return true }
        return now - lastStatus >= (activity.isSame(as: status) ? Self.statusInterval : Self.second)
    }

    private func frameRate(in activity: ServiceActivity, now: UInt64) -> Double? {
        guard let status, case .classifying = status, case .classifying = activity else { return nil }
        return Double(framesSinceStatus) * 1e9 / Double(now - lastStatus)
    }

    public mutating func delivered(_ notice: ServiceNotice, now: UInt64) {
        isReady = isReady || notice.isReady
        if let activity = notice.status {
            status = activity
            lastStatus = now
            framesSinceStatus = 0
        }
        if notice.feedsWatchdog {
            lastFeed = now
            hasProgressed = false
        }
    }

    /// The manager did not take the notice: another is due in a second at the earliest.
    public mutating func undelivered(now: UInt64) {
        notBefore = now + Self.second
    }
}

extension TextWriter where Sink: ~Copyable {
    /// The notice's lines; `source` is the camera's or recording's path.
    public mutating func write(_ notice: ServiceNotice, source: CText) {
        if notice.isReady {
            write("READY=1\n")
        }
        if let status = notice.status {
            switch status {
            case .classifying: write("STATUS=classifying \(source)")
            case .searching(let reason): write("STATUS=\(source) \(reason), looking for it")
            }
            if let framesPerSecond = notice.framesPerSecond {
                write(", \(framesPerSecond, decimals: 1) frames a second")
            }
            write("\n")
        }
        if notice.feedsWatchdog {
            write("WATCHDOG=1\n")
        }
    }
}
