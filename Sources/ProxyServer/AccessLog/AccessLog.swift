import GatewayPrimitives
import Glibc
import Logging
import NIOConcurrencyHelpers
import NIOPosix
import Synchronization

/// Where the access log goes and how much of it is kept.
public struct AccessLogSettings: Sendable, Equatable {
    public var path: String
    /// A file that would become larger is put aside; 0: never.
    public var maxBytes: Int
    /// How many files are kept beside the present one.
    public var keptFiles: Int
    /// Bytes of one event loop that wait for the disk; lines beyond are dropped and counted.
    public var queueBytes: Int

    public init(path: String, maxBytes: Int = 104_857_600, keptFiles: Int = 5, queueBytes: Int = 4_194_304) {
        self.path = path
        self.maxBytes = maxBytes
        self.keptFiles = keptFiles
        self.queueBytes = queueBytes
    }
}

/// What has become of the lines so far.
public struct AccessLogCounts: Sendable, Equatable {
    /// On their way to the disk or there.
    public var lines: UInt64 = 0
    public var bytes: UInt64 = 0
    /// Not written: the disk was too slow, or would not take them.
    public var dropped: UInt64 = 0
    /// Writes that the file system refused.
    public var failures: UInt64 = 0
    public init() {}
}

/// The file of the access log and the one thread that writes it. An event loop hands over what it has collected and never waits.
///
/// Any thread; what belongs to the writing thread is confined to it.
public final class AccessLog: Sendable {
    public let settings: AccessLogSettings
    let region: String
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let file: AccessLogFile
    private let lines = Atomic<UInt64>(0)
    private let bytes = Atomic<UInt64>(0)
    private let dropped = Atomic<UInt64>(0)
    private let failures = Atomic<UInt64>(0)

    /// Opens the file, so that a path that cannot be used is known before anything starts.
    ///
    /// - Parameter region: field `region_id`.
    /// - Throws: ``AccessLogError``.
    public init(_ settings: AccessLogSettings, region: String, logger: Logger) throws(AccessLogError) {
        self.settings = settings
        self.region = region
        file = try AccessLogFile(settings, logger: logger)
        thread.start()
    }

    public var counts: AccessLogCounts {
        var counts = AccessLogCounts()
        counts.lines = lines.load(ordering: .relaxed)
        counts.bytes = bytes.load(ordering: .relaxed)
        counts.dropped = dropped.load(ordering: .relaxed)
        counts.failures = failures.load(ordering: .relaxed)
        return counts
    }

    /// Closes the file and opens it under its name again, behind what is under way: somebody has moved it.
    public func reopen() {
        let file = file
        thread.submit { _ in file.reopen() }
    }

    /// Returns when everything that was handed over is written, or given up: a disk that stands still holds no stop up.
    public func close() async {
        let file = file
        let thread = thread
        let ending = Ending()
        Task {
            do {
                try await thread.runIfActive { file.close() }
                try await thread.shutdownGracefully()
            } catch {
                // Closed before.
            }
            ending.finish()
        }
        await ending.wait(for: .seconds(5))
    }

    /// Takes the lines over.
    ///
    /// - Parameter waiting: what of the same event loop is not written yet.
    func write(_ chunk: AccessLogChunk, waiting: AccessLogBacklog) {
        let count = chunk.text.count
        guard waiting.bytes.load(ordering: .relaxed) + count <= settings.queueBytes else {
            dropped.wrappingAdd(UInt64(chunk.lines), ordering: .relaxed)
            return waiting.giveBack(chunk)
        }
        waiting.bytes.wrappingAdd(count, ordering: .relaxed)
        let file = file
        thread.submit { state in
            var isWritten = false
            if case .active = state { isWritten = file.write(chunk.text.bytes) }
            waiting.bytes.wrappingSubtract(count, ordering: .relaxed)
            if isWritten {
                self.lines.wrappingAdd(UInt64(chunk.lines), ordering: .relaxed)
                self.bytes.wrappingAdd(UInt64(count), ordering: .relaxed)
            } else {
                self.dropped.wrappingAdd(UInt64(chunk.lines), ordering: .relaxed)
                self.failures.wrappingAdd(1, ordering: .relaxed)
            }
            waiting.giveBack(chunk)
        }
    }
}

/// Something that ends, or takes too long.
private final class Ending: Sendable {
    private struct State {
        var isOver = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = NIOLockedValueBox(State())

    func finish() {
        let waiter = state.withLockedValue { state in
            state.isOver = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    func wait(for bound: Duration) async {
        let timeout = Task {
            try? await Task.sleep(for: bound)
            finish()
        }
        await withCheckedContinuation { continuation in
            let isOver = state.withLockedValue { state in
                if !state.isOver { state.waiter = continuation }
                return state.isOver
            }
            if isOver { continuation.resume() }
        }
        timeout.cancel()
    }
}

/// Lines of one event loop. Has one owner at a time, who alone touches it: the loop, then the writing thread. Therefore `@unchecked`.
final class AccessLogChunk: @unchecked Sendable {
    /// What is handed over at once, in bytes.
    static let usualBytes = 256 * 1024

    let text = ByteScratch(capacity: AccessLogChunk.firstBytes)
    var lines = 0

    private static let firstBytes = 32 * 1024
    /// Memory that is kept for the next lines.
    fileprivate static let keptBytes = 1024 * 1024
}

/// Bytes of one event loop that are not on the disk yet, and the memory of those that are. Any thread.
final class AccessLogBacklog: Sendable {
    let bytes = Atomic<Int>(0)
    private let spares = NIOLockedValueBox<[AccessLogChunk]>([])

    func takeSpare() -> AccessLogChunk? { spares.withLockedValue { $0.popLast() } }

    /// The chunk is empty after this, and used again.
    func giveBack(_ chunk: AccessLogChunk) {
        guard chunk.text.capacity <= AccessLogChunk.keptBytes else { return }
        chunk.text.removeAll()
        chunk.lines = 0
        spares.withLockedValue { if $0.count < 2 { $0.append(chunk) } }
    }
}

public enum AccessLogError: Error, Equatable, Sendable {
    case cannotOpen(path: String, reason: String)
}

/// The file itself. Confined to the writing thread after `init`, which the compiler cannot see: therefore `@unchecked`.
private final class AccessLogFile: @unchecked Sendable {
    private let settings: AccessLogSettings
    private let logger: Logger
    private var descriptor: Int32
    private var size: Int
    /// One line in the program's log a minute is enough.
    private var complainedAt: Int64 = .min

    init(_ settings: AccessLogSettings, logger: Logger) throws(AccessLogError) {
        self.settings = settings
        self.logger = logger
        descriptor = Self.open(settings.path)
        guard descriptor >= 0 else {
            throw .cannotOpen(path: settings.path, reason: String(cString: strerror(errno)))
        }
        size = Self.size(of: descriptor)
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    func reopen() {
        close()
        descriptor = Self.open(settings.path)
        if descriptor < 0 { complain("cannot be opened") }
        size = descriptor < 0 ? 0 : Self.size(of: descriptor)
    }

    /// All of it or nothing: half a line would spoil the next one.
    func write(_ text: UnsafeRawBufferPointer) -> Bool {
        if settings.maxBytes > 0, size > 0, size + text.count > settings.maxBytes { rotate() }
        if descriptor < 0 { reopen() }
        guard descriptor >= 0 else { return false }
        var written = 0
        while written < text.count {
            let count = Glibc.write(descriptor, text.baseAddress.map { $0 + written }, text.count - written)
            if count > 0 {
                written += count
                continue
            }
            if count < 0, errno == EINTR { continue }
            complain(count < 0 ? String(cString: strerror(errno)) : "nothing was written")
            // A pipe, or another file that cannot be shortened, stays as it is.
            _ = ftruncate(descriptor, off_t(size))
            return false
        }
        size += written
        return true
    }

    /// `log` becomes `log.1`, `log.1` becomes `log.2`, and so on; the last one goes.
    private func rotate() {
        var number = max(1, settings.keptFiles)
        while number > 1 {
            _ = rename("\(settings.path).\(number - 1)", "\(settings.path).\(number)")
            number -= 1
        }
        if rename(settings.path, "\(settings.path).1") != 0 { complain("cannot be put aside: \(String(cString: strerror(errno)))") }
        reopen()
    }

    private func complain(_ reason: String) {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        guard complainedAt == .min || Int64(now.tv_sec) - complainedAt >= 60 else { return }
        complainedAt = Int64(now.tv_sec)
        logger.error("the access log cannot be written", metadata: ["path": "\(settings.path)", "reason": "\(reason)"])
    }

    private static func open(_ path: String) -> Int32 { Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640) }

    private static func size(of descriptor: Int32) -> Int {
        // A pipe has none.
        max(0, Int(lseek(descriptor, 0, SEEK_END)))
    }
}
