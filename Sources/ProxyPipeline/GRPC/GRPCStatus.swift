import GatewayPrimitives
import Snapshot

/// How a call ended, in the numbers of gRPC (its `statuscodes.md`).
public enum GRPCStatus: Int, Sendable {
    case cancelled = 1
    case invalidArgument = 3
    case deadlineExceeded = 4
    case permissionDenied = 7
    case resourceExhausted = 8
    case unimplemented = 12
    case `internal` = 13
    case unavailable = 14
    case unauthenticated = 16

    /// What a failure of the gateway means to a caller.
    public init(_ failure: GatewayFailure) {
        switch failure {
        case .backendTimeout: self = .deadlineExceeded
        default: self = Self(httpStatus: failure.answer.status)
        }
    }

    private init(httpStatus: Int) {
        self =
            switch httpStatus {
            case 401: .unauthenticated
            case 403: .permissionDenied
            // What a server says that does not know the method.
            case 404, 405: .unimplemented
            case 413, 429: .resourceExhausted
            case 502, 503: .unavailable
            case 504: .deadlineExceeded
            case ..<500: .invalidArgument
            default: .internal
            }
    }

    /// What a backend means that ends a stream without an answer (gRPC over HTTP/2, "HTTP2 Transport Mapping").
    ///
    /// - Parameter resetCode: RFC 9113, 7.
    public init(resetCode: Int) {
        self =
            switch resetCode {
            case 7: .unavailable  // REFUSED_STREAM
            case 8: .cancelled  // CANCEL
            case 11: .resourceExhausted  // ENHANCE_YOUR_CALM
            case 12: .permissionDenied  // INADEQUATE_SECURITY
            default: .internal
            }
    }

    /// `grpc-status` and `grpc-message`: as trailers, or in the head of an answer that has nothing else.
    public func lines(for failure: GatewayFailure) -> [HeaderLine] {
        let answer = failure.answer
        return [
            HeaderLine(name: Self.statusName, value: Array(String(rawValue).utf8)),
            HeaderLine(name: Self.messageName, value: Self.escaped("APIC.\(answer.code): \(answer.message)")),
        ]
    }

    /// Makes an answer that was prepared for others one that ends a call: without a body, and saying how it ended.
    public func mark(_ answer: ResponseHead, _ failure: GatewayFailure) {
        for name in [Self.contentTypeName, Self.statusName, Self.messageName] { answer.removeAdded(named: name) }
        answer.add(HeaderLine(name: Self.contentTypeName, value: Self.contentType))
        for line in lines(for: failure) { answer.add(line) }
    }

    /// The request is a call, so that its sender understands no other answer.
    public static func isCall(_ head: RequestHead) -> Bool {
        head.value(.contentType)?.hasPrefixIgnoringCase(ByteView("application/grpc")) ?? false
    }

    /// What a backend's trailers say; nil: nothing, or no number.
    public static func number(in trailers: [HeaderLine]) -> Int? {
        trailers.first { $0.name == statusName }.flatMap { line in line.value.withUnsafeBytes { number(ByteView($0)) } }
    }

    /// What the head of an answer says that has nothing else.
    public static func number(in head: ResponseHead) -> Int? { head.value(named: statusName).flatMap(number) }

    /// The number may be one that gRPC does not name.
    private static func number(_ text: ByteView) -> Int? {
        guard (1...9).contains(text.count) else { return nil }
        var value = 0
        for index in 0..<text.count {
            guard (0x30...0x39).contains(text[index]) else { return nil }
            value = value * 10 + Int(text[index] - 0x30)
        }
        return value
    }

    private static let statusName = Array("grpc-status".utf8)
    private static let messageName = Array("grpc-message".utf8)
    private static let contentTypeName = Array("content-type".utf8)
    private static let contentType = Array("application/grpc".utf8)

    /// Percent-encoding of everything but printable ASCII and of the percent sign itself.
    private static func escaped(_ text: String) -> [UInt8] {
        var result: [UInt8] = []
        for byte in text.utf8 {
            if (0x20...0x7E).contains(byte), byte != UInt8(ascii: "%") {
                result.append(byte)
            } else {
                result.append(UInt8(ascii: "%"))
                result += Array(Hexadecimal.encode([byte]).uppercased().utf8)
            }
        }
        return result
    }
}
