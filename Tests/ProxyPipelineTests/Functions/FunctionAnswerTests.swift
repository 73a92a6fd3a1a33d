import GatewayPrimitives
import Snapshot
import Testing

@testable import ProxyPipeline

/// What functions give back (gateway-runtime.md, 4.3).
@Suite("answers of functions")
struct FunctionAnswerTests {
    private static func read(_ text: String, bound: Int = 10_000) -> FunctionAnswer? {
        FunctionAnswer(parsing: Array(text.utf8), bound: bound)
    }

    @Test("the four fields")
    func fields() throws {
        let answer = try #require(
            Self.read(#"{"statusCode":201,"isBase64Encoded":false,"headers":{"X-A":"1","x-b":""},"body":"é\n","more":[1]}"#))
        #expect(answer.status == 201 && answer.body == Array("é\n".utf8))
        #expect(answer.headers == [line("X-A", "1"), line("x-b", "")])
        #expect(try #require(Self.read(#"{"statusCode":200,"body":"AP8=","isBase64Encoded":true}"#)).body == [0, 255])
        #expect(Self.read(#"{"statusCode":200}"#) != nil, "the others may be left out")
    }

    @Test(
        "wrong forms",
        arguments: [
            "", "null", "[]", "\"x\"", "{}", #"{"statusCode":"200"}"#, #"{"statusCode":200.5}"#, #"{"statusCode":2e2}"#,
            #"{"statusCode":null}"#, #"{"statusCode":200,"body":{}}"#, #"{"statusCode":200,"body":1}"#, #"{"statusCode":200,"headers":[]}"#,
            #"{"statusCode":200,"headers":{"a":1}}"#, #"{"statusCode":200,"headers":{"a":["x"]}}"#, #"{"statusCode":200,"headers":{"a b":"x"}}"#,
            #"{"statusCode":200,"headers":{"":"x"}}"#, #"{"statusCode":200,"headers":{"a:":"x"}}"#, #"{"statusCode":200,"headers":{"a":"x\r\nb: c"}}"#,
            #"{"statusCode":200,"headers":{"a":"\u0000"}}"#, #"{"statusCode":200,"isBase64Encoded":"true"}"#, #"{"statusCode":200,"isBase64Encoded":1}"#,
            #"{"statusCode":200,"body":"%%","isBase64Encoded":true}"#, #"{"statusCode":200,"body":"AAA","isBase64Encoded":true}"#,
            #"{"statusCode":200,"statusCode":201}"#, #"{"statusCode":200} x"#,
        ])
    func malformed(_ text: String) { #expect(Self.read(text) == nil) }

    @Test("bounds")
    func bounds() {
        let text = #"{"statusCode":200,"body":"aaaa"}"#
        #expect(Self.read(text, bound: text.utf8.count) != nil && Self.read(text, bound: text.utf8.count - 1) == nil)
        #expect(Self.read(#"{"statusCode":200,"x":"# + String(repeating: "[", count: 5000) + "}") == nil)
        #expect(Self.read(#"{"statusCode":200,"headers":{"a":""# + String(repeating: "x", count: 40_000) + "\"}}", bound: 100_000) == nil)
    }

    @Test("lines that frame a message are the gateway's own")
    func filling() throws {
        let answer = try #require(
            Self.read(
                #"{"statusCode":404,"headers":{"Content-Length":"7","transfer-encoding":"chunked","Connection":"close","Server":"x","X-Request-Id":"1","Content-Type":"text/plain","X-A":"1"}}"#
            ))
        let head = ResponseHead()
        #expect(answer.fill(head) && head.status == 404)
        #expect(head.added == [line("Content-Type", "text/plain"), line("X-A", "1")])
        for status in [-1, 0, 99, 100, 101, 199, 600, 1000] {
            #expect(Self.read("{\"statusCode\":\(status)}").map { $0.fill(head) } == false)
        }
    }

    private func line(_ name: String, _ value: String) -> HeaderLine { HeaderLine(name: Array(name.utf8), value: Array(value.utf8)) }
}
