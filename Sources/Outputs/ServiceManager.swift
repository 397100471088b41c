import Platform
import Text

/// The service manager that started this program and wants to be told how it does, or nobody.
public struct ServiceManager: ~Copyable {
    /// What NOTIFY_SOCKET names; nil: nobody wants to know.
    private let socket: CText?
    private var notifier: ServiceNotifier

    /// The one that the environment names.
    public init() {
        let named = rb_environment(CText("NOTIFY_SOCKET").start).map { CText($0) }
        socket = named?.isEmpty == true ? nil : named
        notifier = ServiceNotifier(
            watchdogLimit: rb_watchdog_us(
                rb_environment(CText("WATCHDOG_USEC").start),
                rb_environment(CText("WATCHDOG_PID").start)))
    }

    public mutating func frameAnswered() { notifier.frameAnswered() }
    public mutating func recoveryStepTaken() { notifier.recoveryStepTaken() }

    /// Tells what is due. To be called whenever the loop turns; costs next to nothing while nothing is due. `source` is
    /// the camera's or recording's path.
    public mutating func tell(_ activity: ServiceActivity, source: CText, now: UInt64) {
        guard let socket, let notice = notifier.notice(of: activity, now: now) else { return }
        var writer = TextWriter(NotificationSink(socket: socket))
        writer.write(notice, source: source)
        if writer.finish().status == 0 {
            notifier.delivered(notice, now: now)
        } else {
            notifier.undelivered(now: now)
        }
    }

    /// The configuration is about to be read anew; `tell` says afterwards that the program is ready again.
    public mutating func tellReloading(now: UInt64) {
        guard let socket else { return }
        var writer = TextWriter(NotificationSink(socket: socket))
        writer.write("RELOADING=1\nMONOTONIC_USEC=\(now / 1000)\n")
        writer.flush()
        notifier.configurationRead()
    }

    /// The program is about to end.
    public mutating func tellStopping() {
        guard let socket else { return }
        var writer = TextWriter(NotificationSink(socket: socket))
        writer.write("STOPPING=1\n")
        writer.flush()
    }
}

/// Sends each piece of text as one message.
private struct NotificationSink: TextSink {
    let socket: CText
    /// 0, or the negative error number of a message that did not arrive.
    private(set) var status: Int32 = 0

    init(socket: CText) {
        self.socket = socket
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        status = min(status, rb_notify(socket.start, bytes.baseAddress, bytes.count))
    }
}
