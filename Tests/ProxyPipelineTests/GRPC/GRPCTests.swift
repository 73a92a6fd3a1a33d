import GatewayPrimitives
import Snapshot
import Testing

@testable import ProxyPipeline

@Suite struct GRPCTimeoutTests {
    static func read(_ text: String) -> UInt64? { Array(text.utf8).withUnsafeBytes { GRPCTimeout.nanoseconds(ByteView($0)) } }

    @Test(arguments: [
        ("1n", 1), ("2u", 2000), ("300m", 300_000_000), ("5S", 5_000_000_000), ("1M", 60_000_000_000), ("1H", 3_600_000_000_000),
        ("0S", 0), ("00000007S", 7_000_000_000), ("99999999H", .max),
    ] as [(String, UInt64)])
    func reads(_ text: String, _ nanoseconds: UInt64) { #expect(Self.read(text) == nanoseconds) }

    @Test(arguments: ["", "5", "S", "123456789S", "1s", "-1S", "+1S", "1 S", " 1S", "1.5S", "0x1S", "1SS", "\u{661}S"])
    func refuses(_ text: String) { #expect(Self.read(text) == nil) }

    /// Eight digits at most, and never more time than there is.
    @Test(arguments: [
        0, 1, 99_999_999, 100_000_000, 99_999_999_999, 100_000_000_000, 99_999_999_999_999, 100_000_000_000_000, .max,
    ] as [UInt64])
    func writesWhatItReads(_ nanoseconds: UInt64) throws {
        let text = GRPCTimeout.text(nanoseconds)
        let read = try #require(Self.read(String(decoding: text, as: UTF8.self)))
        #expect(text.count <= 9 && read <= nanoseconds)
        #expect(read >= nanoseconds / 1000 * 999 || nanoseconds > 1 << 60)
    }
}

@Suite struct GRPCMessagesTests {
    static func message(_ count: Int) -> [UInt8] {
        [0] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + [UInt8](repeating: 1, count: count)
    }

    static func accepts(_ bytes: [UInt8], limit: Int, pieces: Int) -> Bool {
        var messages = GRPCMessages(limit: limit)
        return stride(from: 0, to: bytes.count, by: pieces).allSatisfy { start in
            Array(bytes[start..<min(bytes.count, start + pieces)]).withUnsafeBytes { messages.accept($0) }
        }
    }

    @Test(arguments: [1, 2, 3, 5, 7, 1000]) func eachHasTheLimit(_ pieces: Int) {
        let fitting = Self.message(10) + Self.message(0) + Self.message(300) + Self.message(300)
        #expect(Self.accepts(fitting, limit: 300, pieces: pieces))
        #expect(!Self.accepts(fitting + Self.message(301), limit: 300, pieces: pieces))
        #expect(!Self.accepts(fitting, limit: 299, pieces: pieces))
        #expect(!Self.accepts([1, 255, 255, 255, 255], limit: 1 << 30, pieces: pieces))
    }
}

@Suite struct GRPCStatusTests {
    @Test(arguments: [
        (GatewayFailure.malformedRequest, GRPCStatus.invalidArgument), (.apiNotFound, .unimplemented), (.addressDenied, .permissionDenied),
        (.thirdAuthRefused, .unauthenticated), (.throttled, .resourceExhausted), (.bodyTooLarge, .resourceExhausted),
        (.headersTooLarge, .invalidArgument), (.backendUnavailable, .unavailable), (.breakerOpen, .unavailable),
        (.backendTimeout, .deadlineExceeded), (.internalError, .internal), (.misdirected, .invalidArgument),
    ])
    func meansWhatTheFailureMeans(_ failure: GatewayFailure, _ status: GRPCStatus) { #expect(GRPCStatus(failure) == status) }

    @Test(arguments: [(0, GRPCStatus.internal), (1, .internal), (2, .internal), (7, .unavailable), (8, .cancelled), (11, .resourceExhausted),
                      (12, .permissionDenied), (99, .internal)])
    func resets(_ code: Int, _ status: GRPCStatus) { #expect(GRPCStatus(resetCode: code) == status) }

    @Test func messagesAreOneLineOfASCII() {
        let lines = GRPCStatus.internal.lines(
            for: .routeRefused(.init(status: 500, code: "0606", message: "100% \u{FC}\r\nx: y")))
        #expect(lines.map { String(decoding: $0.value, as: UTF8.self) } == ["13", "APIC.0606: 100%25 %C3%BC%0D%0Ax: y"])
    }

    /// What was prepared for others goes.
    @Test func answersHaveNothingElse() {
        let answer = ResponseHead()
        _ = FailureResponder.prepare(.throttled, requestID: RequestID(high: 1, low: 2), in: answer)
        GRPCStatus(.throttled).mark(answer, .throttled)
        #expect(answer.status == 429)
        #expect(answer.added.map { String(decoding: $0.name, as: UTF8.self) } == ["content-type", "grpc-status", "grpc-message"])
        #expect(answer.added[0].value == Array("application/grpc".utf8))
    }
}
