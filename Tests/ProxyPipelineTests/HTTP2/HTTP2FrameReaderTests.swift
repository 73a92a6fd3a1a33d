import Testing

@testable import ProxyPipeline

private func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8] = []) -> [UInt8] {
    [UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 255), UInt8(payload.count & 255), type, flags, 0, 0, 0, stream] + payload
}

/// Frames one by one; what they mean to streams is tested over the wire (Tests/BlackBox/test_http2_conformance.py).
@Suite struct HTTP2FrameReaderTests {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// Everything that is found, however the input is cut.
    static func read(_ input: [UInt8], step: Int = .max) -> [HTTP2FrameReader.Event] {
        var reader = HTTP2FrameReader(HTTP2FieldList())
        var events: [HTTP2FrameReader.Event] = []
        var offset = 0
        var end = min(step, input.count)
        while true {
            let event = input[..<end].withUnsafeBytes { reader.next($0, &offset) }
            if event == .needsMore {
                if end == input.count { return events }
                end = end + min(step, input.count - end)
                continue
            }
            events.append(event)
            if case .failed = event { return events }
        }
    }

    @Test(arguments: [1, 2, 9, 10, 24, 1000])
    func anyPieces(_ step: Int) {
        let input = Self.preface + frame(4, 0, 0, [0, 4, 0, 0, 1, 0]) + frame(1, 0, 1, [0x82]) + frame(9, 4, 1, [0x86])
            + frame(0, 9, 1, [2, 65, 0, 0]) + frame(6, 0, 0, [0, 0, 0, 0, 0, 0, 1, 0]) + frame(8, 0, 3, [0, 0, 0, 7])
        let start = input.count - 9 - 4 - 9 - 8 - 3
        #expect(Self.read(input, step: step) == [
            .settings(initialWindow: 256), .nothing, .headers(stream: 1, ends: false),
            .data(stream: 1, start: start, count: 1, cost: 4, ends: true), .ping(256), .windowUpdate(stream: 3, increment: 7),
        ])
    }

    @Test func firstIsSettings() {
        #expect(Self.read(Self.preface + frame(6, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0])) == [.failed(.protocolError)])
        #expect(Self.read(Self.preface + frame(4, 1, 0)) == [.failed(.protocolError)])
        #expect(Self.read(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r!".utf8)) == [.failed(.protocolError)])
    }

    @Test func pieces() {
        let begin = Self.preface + frame(4, 0, 0) + frame(1, 0, 1, [0x82])
        #expect(Self.read(begin + (0..<13).flatMap { _ in frame(9, 0, 1) }).last == .failed(.enhanceYourCalm))
        #expect(Self.read(begin + frame(9, 4, 3)).last == .failed(.protocolError))
        #expect(Self.read(begin + frame(0, 0, 1)).last == .failed(.protocolError))
    }

    @Test(arguments: [
        (frame(0, 0, 0, [1]), .protocolError), (frame(0, 8, 1, [1]), .protocolError), (frame(0, 8, 1), .protocolError), (frame(1, 4, 0, [0x82]), .protocolError),
        (frame(1, 0x24, 1, [0, 0, 0, 0]), .frameSizeError), (frame(1, 0x0C, 1, [9, 0x82]), .protocolError), (frame(1, 4, 1, [0x80]), .compressionError),
        (frame(2, 0, 0, [0, 0, 0, 0, 0]), .protocolError), (frame(3, 0, 0, [0, 0, 0, 8]), .protocolError), (frame(3, 0, 1, [8]), .frameSizeError),
        (frame(4, 0, 1), .protocolError), (frame(4, 0, 0, [1]), .frameSizeError), (frame(4, 1, 0, [0, 0, 0, 0, 0, 0]), .frameSizeError),
        (frame(4, 0, 0, [0, 2, 0, 0, 0, 2]), .protocolError), (frame(4, 0, 0, [0, 4, 0x80, 0, 0, 0]), .flowControlError),
        (frame(4, 0, 0, [0, 5, 0, 0, 0, 1]), .protocolError), (frame(5, 4, 1, [0, 0, 0, 2]), .protocolError), (frame(6, 0, 1, [0, 0, 0, 0, 0, 0, 0, 0]), .protocolError),
        (frame(6, 0, 0, [0]), .frameSizeError), (frame(7, 0, 1, [0, 0, 0, 0, 0, 0, 0, 0]), .protocolError), (frame(7, 0, 0, [0]), .frameSizeError),
        (frame(8, 0, 0, [0, 0, 0, 0]), .protocolError), (frame(8, 0, 0, [0]), .frameSizeError), (frame(9, 4, 1), .protocolError),
        ([0, 0x40, 1, 0x77, 0, 0, 0, 0, 0], .frameSizeError),
    ] as [([UInt8], HTTP2ErrorCode)])
    func endsTheConnection(_ wrong: [UInt8], _ code: HTTP2ErrorCode) {
        #expect(Self.read(Self.preface + frame(4, 0, 0) + wrong).last == .failed(code))
    }

    @Test func endsTheStream() {
        let begin = Self.preface + frame(4, 0, 0)
        #expect(Self.read(begin + frame(8, 0, 1, [0, 0, 0, 0])).last == .streamFailed(1, .protocolError))
        #expect(Self.read(begin + frame(2, 0, 1, [0, 0, 0, 0])).last == .streamFailed(1, .frameSizeError))
    }

    @Test func onlySoOften() {
        var limit = HTTP2RateLimit(3)
        // At 41 the first two are forgotten.
        let allowed = [0, 10, 20, 30, 41, 42].map { limit.allows(at: $0 * 1_000_000_000) }
        #expect(allowed == [true, true, true, false, true, false])
    }

    @Test func anything() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let frames = (0..<20).flatMap { _ in
                frame(.random(in: 0...10, using: &random), .random(in: 0...255, using: &random), .random(in: 0...3, using: &random),
                    (0..<Int.random(in: 0...20, using: &random)).map { _ in .random(in: 0...255, using: &random) })
            }
            let input = Self.preface + frame(4, 0, 0) + frames
            #expect(Self.read(input) == Self.read(input, step: 7))
        }
    }
}
