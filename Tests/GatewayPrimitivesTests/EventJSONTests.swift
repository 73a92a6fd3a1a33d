import GatewayPrimitives
import Testing

/// Texts that functions send and get: strict, bounded, and read as they were written.
@Suite("JSON of the request path")
struct EventJSONTests {
    private static let limits = JSONValue.Limits(length: 10_000, depth: 4, values: 50)

    private static func read(_ text: String) -> JSONValue? { try? JSONValue(parsing: Array(text.utf8), limits: limits) }

    private static func reason(_ bytes: [UInt8], _ limits: JSONValue.Limits = Self.limits) -> JSONReadError.Reason? {
        do throws(JSONReadError) {
            _ = try JSONValue(parsing: bytes, limits: limits)
            return nil
        } catch { return error.reason }
    }

    @Test(
        "hostile texts are errors",
        arguments: [
            "", " ", "{", "[", "\"", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "[1,]", "[,1]", "{,}", "{a:1}", "{'a':1}", "nul",
            "truex", "01", "-", "1.", ".5", "+1", "1e", "0x1", "NaN", "Infinity", "[1 2]", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "\"\u{1}\"",
            "\"\n\"", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "1 1", "{}{}", "[]x", "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}", "\u{FEFF}{}", "[1]\0", "// c\n1",
        ])
    func malformed(_ text: String) {
        #expect(Self.read(text) == nil)
    }

    @Test("limits on length, depth and values")
    func limits() {
        #expect(Self.reason(Array(repeating: 0x20, count: 10_001)) == .tooLong)
        #expect(Self.read("[[[[1]]]]") != nil)
        #expect(Self.reason(Array("[[[[[1]]]]]".utf8)) == .tooDeep)
        #expect(Self.reason(Array("{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}".utf8)) == .tooDeep)
        #expect(Self.read("[" + Array(repeating: "1", count: 49).joined(separator: ",") + "]") != nil)
        #expect(Self.reason(Array(("[" + Array(repeating: "1", count: 50).joined(separator: ",") + "]").utf8)) == .tooManyValues)
        // Nesting costs no stack beyond the limit.
        let deep = JSONValue.Limits(length: 1_000_000, depth: 16, values: 1_000_000)
        #expect(Self.reason(Array(repeating: UInt8(ascii: "["), count: 500_000), deep) == .tooDeep)
    }

    @Test("bytes that are no text", arguments: [[0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC0, 0x80, 0x22]])
    func invalidText(_ bytes: [UInt8]) {
        #expect(Self.reason(bytes) == .invalidText)
    }

    @Test("every prefix of a text is an error")
    func cutOff() {
        let text = Array(#"{"statusCode":200,"body":"{\"status\":\"allow\"}","n":[1.5e3,true,null]}"#.utf8)
        #expect((try? JSONValue(parsing: text, limits: Self.limits)) != nil)
        for count in text.indices { #expect(Self.reason(Array(text[..<count])) != nil) }
    }

    // MARK: What is written is read

    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
    }

    private static func text(_ random: inout Random) -> String {
        let letters: [Character] = ["a", "Z", "\"", "\\", "/", "\n", "\r", "\t", "\u{0}", "\u{1F}", "\u{7F}", "ä", "中", "😀", "\u{2028}", " "]
        return String((0..<Int.random(in: 0...12, using: &random)).map { _ in letters.randomElement(using: &random)! })
    }

    private static func value(_ random: inout Random, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .number(JSONNumber(text: "\(Int.random(in: -1000...1000, using: &random))"))
        case 3: return .string(text(&random))
        case 4: return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in value(&random, depth: depth - 1) })
        default:
            var members: [JSONMember] = []
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let name = text(&random)
                if !members.contains(where: { $0.name == name }) { members.append(JSONMember(name: name, value: value(&random, depth: depth - 1))) }
            }
            return .object(members)
        }
    }

    @Test("values survive being written and read")
    func roundTrip() throws {
        var random = Random(state: 7)
        let limits = JSONValue.Limits(length: 1_000_000, depth: 16, values: 100_000)
        for _ in 0..<2000 {
            let value = Self.value(&random, depth: 4)
            #expect(try JSONValue(parsing: Array(value.text.utf8), limits: limits) == value)
        }
    }

    @Test("the writer writes what the reader reads")
    func writer() throws {
        var random = Random(state: 11)
        let limits = JSONValue.Limits(length: 1_000_000, depth: 16, values: 100_000)
        for _ in 0..<500 {
            let output = ByteScratch(capacity: 64)
            var writer = JSONWriter(output)
            var expected: [JSONMember] = []
            writer.beginObject()
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let name = Self.text(&random)
                guard !expected.contains(where: { $0.name == name }) else { continue }
                Array(name.utf8).withUnsafeBytes { writer.name($0) }
                switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    let text = Self.text(&random)
                    writer.string(text)
                    expected.append(JSONMember(name: name, value: .string(text)))
                case 1:
                    let flag = Bool.random(using: &random)
                    writer.bool(flag)
                    expected.append(JSONMember(name: name, value: .bool(flag)))
                case 2:
                    let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
                    bytes.withUnsafeBytes { writer.base64($0) }
                    expected.append(JSONMember(name: name, value: .string(String(decoding: Base64.encode(bytes), as: UTF8.self))))
                default:
                    writer.beginArray()
                    writer.string("x")
                    writer.beginObject()
                    writer.endObject()
                    writer.string([])
                    writer.endArray()
                    expected.append(JSONMember(name: name, value: .array([.string("x"), .object([]), .string("")])))
                }
            }
            writer.endObject()
            #expect(try JSONValue(parsing: output.array, limits: limits) == .object(expected))
        }
    }

    @Test("bytes that are no text are written as text")
    func repairs() {
        let output = ByteScratch()
        var writer = JSONWriter(output)
        writer.string([0x61, 0xFF, 0x22])
        #expect(String(decoding: output.array, as: UTF8.self) == "\"a\u{FFFD}\\\"\"")
    }
}
