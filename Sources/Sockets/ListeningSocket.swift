import CSockets
import Glibc

/// A TCP socket that listens, by its descriptor. It may have been opened here or come from the process before this one.
///
/// Immutable; any thread. Whoever makes a channel of it gives the channel a ``duplicate()``, so that this one stays for the next process.
public struct ListeningSocket: Sendable, Equatable {
    public let descriptor: CInt
    /// The port that it really has, in the byte order of numbers.
    public let port: Int

    /// Connections that wait to be accepted.
    public static let backlog: CInt = 4096

    /// - Parameter host: a name or an address, IPv6 without brackets.
    public static func open(host: String, port: Int) throws(ListeningError) -> ListeningSocket {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, String(port), &hints, &found)
        guard status == 0, let first = found else { throw ListeningError(reason: String(cString: gai_strerror(status))) }
        defer { freeaddrinfo(found) }
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(first.pointee.ai_family, type, 0)
        guard descriptor >= 0 else { throw ListeningError() }
        var yes: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        guard bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0, listen(descriptor, backlog) == 0 else {
            let error = ListeningError()
            close(descriptor)
            throw error
        }
        return try ListeningSocket(inherited: descriptor)
    }

    /// - Parameter inherited: listens already.
    public init(inherited descriptor: CInt) throws(ListeningError) {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard status == 0 else { throw ListeningError() }
        self.descriptor = descriptor
        // The port is at the same place in the addresses of both families.
        port = withUnsafeBytes(of: address) { Int(UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self))) }
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
