import Foundation

/// A server that gives every client the same bytes, and then hangs up.
final class PictureServer: @unchecked Sendable {
    let port: UInt16
    private let listener: Int32
    private let lock = NSLock()
    private var seen: [String] = []

    /// What the clients asked for.
    var requests: [String] { lock.withLock { seen } }

    init(_ answer: [UInt8]) {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isOpen = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        precondition(isOpen)
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                var request = [UInt8](repeating: 0, count: 4096)
                let count = recv(client, &request, request.count, 0)
                lock.withLock { seen.append(String(decoding: request[..<max(count, 0)], as: UTF8.self)) }
                _ = send(client, answer, answer.count, Int32(MSG_NOSIGNAL))
                shutdown(client, Int32(SHUT_WR))
                // Until the client has taken it and hung up.
                while recv(client, &request, request.count, 0) > 0 {}
                close(client)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}
