import CSockets
import Glibc

/// A TCP socket that listens, by its descriptor. It may have been opened here or come from the process before this one.
///
/// Immutable; any thread. Whoever makes a channel of it gives the channel a ``duplicate()``, so that this one stays for the next process.
public struct ListeningSocket: Sendable, Equatable {
    public let descriptor: CInt
    /// The address that it really has, in digits.
    public let host: String
    /// The port that it really has, in the byte order of numbers.
    public let port: Int

    /// Connections that wait to be accepted.
    public static let backlog: CInt = 4096

    /// - Parameter host: a name or an address, IPv6 without brackets.
    public static func open(host: String, port: Int) throws(ListeningError) -> ListeningSocket {
        try withAddress(host: host, port: port) { address, length throws(ListeningError) in
            let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
            let descriptor = socket(CInt(address.pointee.sa_family), type, 0)
            guard descriptor >= 0 else { throw ListeningError() }
            var yes: CInt = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
            guard bind(descriptor, address, length) == 0, listen(descriptor, backlog) == 0 else {
                let error = ListeningError()
                close(descriptor)
                throw error
            }
            return try ListeningSocket(inherited: descriptor)
        }
    }

    /// - Parameter inherited: listens already.
    public init(inherited descriptor: CInt) throws(ListeningError) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let found = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getsockname(descriptor, address, &length) == 0 ? Self.digits(of: address, length) : nil
            }
        }
        guard let found else { throw ListeningError() }
        self.descriptor = descriptor
        host = found.host
        port = found.port
    }

    /// Whether ``open(host:port:)`` with these would have made a socket with the same address. Port 0 is any port.
    public func isAt(host: String, port: Int) throws(ListeningError) -> Bool {
        let wanted = try Self.withAddress(host: host, port: port) { address, length throws(ListeningError) in
            guard let digits = Self.digits(of: address, length) else { throw ListeningError() }
            return digits
        }
        return wanted.host == self.host && (port == 0 || wanted.port == self.port)
    }

    /// The first address of a name.
    private static func withAddress<Result>(
        host: String, port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(ListeningError) -> Result
    ) throws(ListeningError) -> Result {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, String(port), &hints, &found)
        guard status == 0, let first = found else { throw ListeningError(reason: String(cString: gai_strerror(status))) }
        defer { freeaddrinfo(found) }
        return try body(first.pointee.ai_addr, first.pointee.ai_addrlen)
    }

    private static func digits(of address: UnsafePointer<sockaddr>, _ length: socklen_t) -> (host: String, port: Int)? {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let status = getnameinfo(
            address, length, &host, socklen_t(host.count), &port, socklen_t(port.count), NI_NUMERICHOST | NI_NUMERICSERV)
        func text(_ characters: [CChar]) -> String {
            String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        guard status == 0, let number = Int(text(port)) else { return nil }
        return (text(host), number)
    }

    /// Another descriptor of the same socket, for a channel to own.
    public func duplicate() throws(ListeningError) -> CInt {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw ListeningError() }
        return copy
    }

    /// Stops listening, unless another descriptor of the socket is open somewhere.
    public func closeDescriptor() { close(descriptor) }
}

/// Why a socket cannot listen, in the system's words.
public struct ListeningError: Error, Sendable, Equatable {
    public let reason: String

    init(reason: String = String(cString: strerror(errno))) { self.reason = reason }
}
