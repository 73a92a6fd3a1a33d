import CSockets
import Glibc
import Synchronization

/// A connection between two processes of one machine that passes lines and descriptors. Blocking; one thread at a time.
public final class DescriptorChannel: Sendable {
    private let descriptor: CInt

    /// Longest line in bytes.
    public static let lineLimit = 64 * 1024 * 1024

    init(_ descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// - Returns: nil when nobody listens at `path`.
    public static func connect(to path: String) -> DescriptorChannel? {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        let status = withAddress(path) { Glibc.connect(descriptor, $0, $1) }
        guard status == 0 else {
            close(descriptor)
            return nil
        }
        return DescriptorChannel(descriptor)
    }

    /// Waits for at most so long for each line; 0: for ever.
    public func limitWaiting(seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    /// - Returns: false when the other side is gone.
    public func send(line: [UInt8]) -> Bool {
        let bytes = line + [UInt8(ascii: "\n")]
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// - Returns: nil at the end, after the time allowed, and for a line that is too long.
    public func receiveLine() -> [UInt8]? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < Self.lineLimit {
            // Byte by byte: what follows the line may be descriptors.
            guard recv(descriptor, &byte, 1, 0) == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return line }
            line.append(byte)
        }
        return nil
    }

    public func send(descriptors: [CInt]) -> Bool {
        descriptors.count <= CInt(GATEHOUSE_DESCRIPTORS)
            && gatehouse_send_descriptors(descriptor, descriptors, CInt(descriptors.count)) == 1
    }

    public func receiveDescriptors() -> [CInt]? {
        var found = [CInt](repeating: -1, count: Int(GATEHOUSE_DESCRIPTORS))
        let count = gatehouse_receive_descriptors(descriptor, &found)
        return count > 0 ? Array(found[..<Int(count)]) : nil
    }

    static func withAddress<Result>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }
}

/// Where a ``DescriptorChannel`` is reached: a socket in the file system that only its owner may open.
public final class DescriptorListener: Sendable {
    private let descriptor: CInt
    private let isStopped = Atomic(false)

    /// Longest path in bytes.
    public static let pathLimit = 107

    /// - Returns: nil when the path is too long or cannot be made.
    public init?(path: String) {
        guard path.utf8.count <= Self.pathLimit else { return nil }
        unlink(path)
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        let mask = umask(0o177)
        let status = DescriptorChannel.withAddress(path) { bind(descriptor, $0, $1) }
        umask(mask)
        guard status == 0, listen(descriptor, 1) == 0 else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
    }

    /// Waits for the next one who connects; nil after ``stop()``.
    public func accept() -> DescriptorChannel? {
        while true {
            let found = Glibc.accept(descriptor, nil, nil)
            if found >= 0 {
                _ = fcntl(found, F_SETFD, FD_CLOEXEC)
                return DescriptorChannel(found)
            }
            if isStopped.load(ordering: .acquiring) { return nil }
            // Without descriptors, for instance: they come back.
            sleep(1)
        }
    }

    /// Wakes who waits in ``accept()``. The path is not taken away: by then it may be the next process's.
    public func stop() {
        isStopped.store(true, ordering: .releasing)
        shutdown(descriptor, CInt(SHUT_RDWR))
    }

    deinit { close(descriptor) }
}
