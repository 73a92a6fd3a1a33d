import Testing

@testable import ProxyServer

@Suite struct FrameScannerTests {
    @Test func everyFrameIsFound() {
        func frame(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] { [0, 0, UInt8(payload.count), type, 0, 0, 0, 0, 1] + payload }
        let data = frame(0, [UInt8](repeating: 7, count: 200))
        let goodbye = frame(7, [0, 0, 0, 1, 0, 0, 0, 0])
        let failure = frame(7, [0, 0, 0, 1, 0, 0, 0, 1])
        func finds(_ bytes: [UInt8], step: Int) -> Bool {
            var scanner = FrameScanner()
            var result = false
            for start in stride(from: 0, to: bytes.count, by: step) {
                result = bytes[start..<min(bytes.count, start + step)].withUnsafeBytes { scanner.findsFailure($0) } || result
            }
            return result
        }
        for step in [1, 2, 3, 9, 10, 17, 1000] {
            #expect(!finds(data + goodbye + frame(4, []) + data, step: step), "\(step)")
            #expect(finds(data + goodbye + frame(4, []) + data + failure, step: step), "\(step)")
        }
    }
}
