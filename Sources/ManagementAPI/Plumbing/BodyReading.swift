import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// Memory for all bodies that are being read or worked on, so that many large ones at a time, from
/// whomever, are refused rather than swapped. Any task.
final class BodyBudget: Sendable {
    /// Bytes.
    static let limit = 256 * 1024 * 1024
    private let used = Mutex(0)
    private let limit: Int

    init(limit: Int = BodyBudget.limit) { self.limit = limit }

    fileprivate func take(_ count: Int) -> Bool {
        used.withLock { used in
            guard used + count <= limit else { return false }
            used += count
            return true
        }
    }

    fileprivate func give(_ count: Int) { used.withLock { $0 -= count } }
}

/// One request's share of the budget; given back when nobody holds it any more.
final class BodyRoom: Sendable {
    private let budget: BodyBudget
    private let taken = Mutex(0)

    init(_ budget: BodyBudget) { self.budget = budget }

    /// - Returns: whether there was room.
    func take(_ count: Int) -> Bool {
        guard budget.take(count) else { return false }
        taken.withLock { $0 += count }
        return true
    }

    deinit { budget.give(taken.withLock { $0 }) }
}

/// Takes bodies off the connection, within their limit.
enum BodyReading {
    /// - Throws: `ManagementFailure.tooLargeBody`, `ManagementFailure.noRoom`, without reading on.
    static func read(_ request: Request, _ room: BodyRoom, limit: Int = RequestHeaders.bodyLimit) async throws -> ByteBuffer {
        if let length = request.headers[.contentLength], (Int(length) ?? Int.max) > limit {
            throw ManagementFailure.tooLargeBody
        }
        var body = ByteBuffer()
        for try await part in request.body {
            guard body.readableBytes + part.readableBytes <= limit else { throw ManagementFailure.tooLargeBody }
            guard room.take(part.readableBytes) else { throw ManagementFailure.noRoom }
            var part = part
            if body.readableBytes == 0 { body = part } else { body.writeBuffer(&part) }
        }
        return body
    }
}
