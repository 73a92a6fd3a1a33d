import Glibc
import Logging
import NIOConcurrencyHelpers
import NIOCore

/// What accepting connections has failed with. Any thread.
final class AcceptFailures: Sendable {
    enum Reason: Int, CaseIterable { case descriptors, memory, other }

    private struct State {
        var counts = [UInt64](repeating: 0, count: Reason.allCases.count)
        var complainedAt: NIODeadline?
    }

    private let logger: Logger
    private let state = NIOLockedValueBox(State())

    init(logger: Logger) { self.logger = logger }

    /// The count of each reason.
    var counts: [(reason: Reason, count: UInt64)] {
        let counts = state.withLockedValue { $0.counts }
        return Reason.allCases.map { ($0, counts[$0.rawValue]) }
    }

    /// One line in the log a minute is enough.
    ///
    /// - Returns: whether this was worth one.
    @discardableResult
    func note(_ error: IOError, at now: NIODeadline = .now()) -> Bool {
        let reason: Reason =
            switch error.errnoCode {
            case EMFILE, ENFILE: .descriptors
            case ENOBUFS, ENOMEM: .memory
            default: .other
            }
        let complains = state.withLockedValue { state in
            state.counts[reason.rawValue] += 1
            if let last = state.complainedAt, now - last < .minutes(1) { return false }
            state.complainedAt = now
            return true
        }
        if complains {
            logger.error(
                "connections cannot be accepted for now",
                metadata: ["reason": "\(reason)", "error": "\(String(cString: strerror(error.errnoCode)))"])
        }
        return complains
    }

    /// How long to leave a listener alone. A connection that cannot be accepted stays in its queue, and the system would report it
    /// again at once, forever.
    static func pause(after error: IOError) -> TimeAmount? {
        // The client has left its place in the queue.
        error.errnoCode == ECONNABORTED ? nil : .milliseconds(200)
    }
}

/// Notes what a listener reports, passes it on, and leaves the listener alone for a while.
///
/// Holding calls of `read` back would not do: after a failure the channel still waits for the event that it has just had.
final class AcceptWatch: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let failures: AcceptFailures
    private var isResting = false

    init(_ failures: AcceptFailures) { self.failures = failures }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? IOError {
            failures.note(error)
            if let pause = AcceptFailures.pause(after: error) { rest(context.channel, pause) }
        }
        context.fireErrorCaught(error)
    }

    private func rest(_ channel: any Channel, _ pause: TimeAmount) {
        guard !isResting, let options = channel.syncOptions else { return }
        isResting = true
        // Either fails with a channel that has been closed, which needs nothing more.
        try? options.setOption(.autoRead, value: false)
        channel.eventLoop.assumeIsolated().scheduleTask(in: pause) {
            self.isResting = false
            try? options.setOption(.autoRead, value: true)
        }
    }
}
