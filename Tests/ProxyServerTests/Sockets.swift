import Foundation
import Glibc

/// A blocking TCP socket with a limit on every wait, so that a broken gateway fails a test instead of hanging it.
final class Socket: @unchecked Sendable {
    // Sendable: one test, or one backend thread, uses it at a time.
    private let descriptor: Int32
    private var buffered: [UInt8] = []
    private var isClosed = false
    private var hasEnded = false

    init(descriptor: Int32) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    convenience init(port: Int) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw POSIXError(.ECONNREFUSED) }
        self.init(descriptor: descriptor)
    }

    deinit { close() }

    static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return address
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        Glibc.close(descriptor)
    }

    /// Closes so that the other side gets a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func shutdownWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    @discardableResult
    func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    /// False at the end of the input, or when nothing came in time.
    private func fill() -> Bool {
        var area = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &area, area.count, 0)
        guard count > 0 else {
            hasEnded = count == 0 || errno == ECONNRESET
            return false
        }
        buffered += area[..<count]
        return true
    }

    /// True when the other side closes and everything was read; false when it says something, or nothing in time.
    func isAtEnd() -> Bool { buffered.isEmpty && !fill() && hasEnded }

    /// Up to and with the empty line.
    func readHead() -> String? {
        while true {
            if let end = buffered.firstRange(of: Array("\r\n\r\n".utf8)) {
                let head = String(decoding: buffered[..<end.upperBound], as: UTF8.self)
                buffered.removeSubrange(..<end.upperBound)
                return head
            }
            if !fill() { return nil }
        }
    }

    func read(_ count: Int) -> [UInt8]? {
        while buffered.count < count { if !fill() { return nil } }
        let bytes = Array(buffered[..<count])
        buffered.removeSubrange(..<count)
        return bytes
    }

    private func readLine() -> String? {
        while true {
            if let end = buffered.firstRange(of: Array("\r\n".utf8)) {
                let line = String(decoding: buffered[..<end.lowerBound], as: UTF8.self)
                buffered.removeSubrange(..<end.upperBound)
                return line
            }
            if !fill() { return nil }
        }
    }

    func readChunked() -> [UInt8]? {
        var body: [UInt8] = []
        while true {
            guard let line = readLine(), let size = Int(line, radix: 16), let chunk = read(size), readLine() == "" else { return nil }
            if size == 0 { return body }
            body += chunk
        }
    }

    func readToEnd() -> [UInt8] {
        while fill() {}
        defer { buffered = [] }
        return buffered
    }

    /// Head and body of a request or an answer.
    func readMessage(isAnswerToHead: Bool = false) -> Message? {
        guard let head = readHead() else { return nil }
        var message = Message(head: head)
        if isAnswerToHead || message.status == 204 || message.status == 304 || message.status == 100 { return message }
        if message["transfer-encoding"] != nil {
            guard let body = readChunked() else { return nil }
            message.body = body
        } else if let length = message["content-length"].flatMap({ Int($0) }) {
            guard let body = read(length) else { return nil }
            message.body = body
        } else if message.status != nil {
            message.body = readToEnd()
        }
        return message
    }
}

struct Message {
    let head: String
    var body: [UInt8] = []
    var lines: [String] { head.components(separatedBy: "\r\n").filter { !$0.isEmpty } }
    var firstLine: String { lines.first ?? "" }
    var status: Int? { firstLine.hasPrefix("HTTP/") ? Int(firstLine.split(separator: " ")[1]) : nil }
    var text: String { String(decoding: body, as: UTF8.self) }

    init(head: String) { self.head = head }

    subscript(name: String) -> String? { all(name).first }

    func all(_ name: String) -> [String] {
        lines.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name else { return nil }
            return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
    }
}

/// A server on a free port of the loopback: one thread a connection, each runs the test's closure.
final class Backend: @unchecked Sendable {
    // Sendable: `lock` guards what threads share.
    let port: Int
    private let descriptor: Int32
    private let lock = NSLock()
    private var accepted = 0
    private var seen: [Message] = []

    init(_ serve: @escaping @Sendable (Backend, Socket) -> Void) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = Socket.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> Int32 in
                guard bind(descriptor, pointer, length) == 0 else { return -1 }
                return getsockname(descriptor, pointer, &length)
            }
        }
        guard result == 0, listen(descriptor, 128) == 0 else { throw POSIXError(.EADDRINUSE) }
        port = Int(in_port_t(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                lock.withLock { accepted += 1 }
                let socket = Socket(descriptor: connection)
                Thread.detachNewThread {
                    serve(self, socket)
                    socket.close()
                }
            }
        }
    }

    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }

    func note(_ message: Message) { lock.withLock { seen.append(message) } }
    var connections: Int { lock.withLock { accepted } }
    var requests: [Message] { lock.withLock { seen } }

    /// Answers every request with its own head and body as text.
    static func echo() throws -> Backend {
        try Backend { backend, socket in
            while let request = socket.readMessage() {
                backend.note(request)
                let isHead = request.firstLine.hasPrefix("HEAD ")
                let body = request.head + String(decoding: request.body, as: UTF8.self)
                let head = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\nServer: echo\r\nX-Back: yes\r\n\r\n"
                socket.write(head + (isHead ? "" : body))
            }
        }
    }
}
