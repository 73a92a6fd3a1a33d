import HTTPTypes
import Hummingbird
import NIOCore

/// Takes bodies off the connection, within their limit.
enum BodyReading {
    /// - Throws: `ManagementFailure.tooLargeBody`, without reading on.
    static func read(_ request: Request, limit: Int = RequestHeaders.bodyLimit) async throws -> ByteBuffer {
        if let length = request.headers[.contentLength], (Int(length) ?? Int.max) > limit {
            throw ManagementFailure.tooLargeBody
        }
        var body = ByteBuffer()
        for try await part in request.body {
            guard body.readableBytes + part.readableBytes <= limit else { throw ManagementFailure.tooLargeBody }
            var part = part
            if body.readableBytes == 0 { body = part } else { body.writeBuffer(&part) }
        }
        return body
    }
}
