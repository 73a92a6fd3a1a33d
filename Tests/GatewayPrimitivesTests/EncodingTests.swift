import GatewayPrimitives
import Testing

@Suite struct PercentEncodingTests {
    @Test func encodesValuesForPathAndQueryAsDocumented() {
        #expect(PercentEncoding.encode(Array("[api]".utf8), keeping: PercentEncoding.pathValue) == Array("%5Bapi%5D".utf8))
        for byte in UInt8.min...UInt8.max {
            let always = byte <= 32 || byte >= 127
            let inPath = always || "?></%#\"[\\]^`{|}".utf8.contains(byte)
            let inQuery = always || ">=<+&%#\"[\\]^`{|}".utf8.contains(byte)
            #expect(PercentEncoding.pathValue.contains(byte) == !inPath)
            #expect(PercentEncoding.queryValue.contains(byte) == !inQuery)
        }
    }

    @Test(arguments: [
        ("a%20b", "a b"), ("%zz%4", "%zz%4"), ("%41%", "A%"), ("%e4%BD%a0", "你"), ("a+b", "a+b"), ("%2541", "%41"),
    ])
    func decodesWhatIsEncoded(input: String, expected: String) {
        #expect(PercentEncoding.decode(Array(input.utf8)) == Array(expected.utf8))
    }

    @Test func readsPlusAsBlankOnDemand() {
        #expect(PercentEncoding.decode(Array("a+b%2Bc".utf8), plusIsBlank: true) == Array("a b+c".utf8))
    }

    @Test func everyByteSurvivesARoundTrip() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<500 {
            let bytes = generator.bytes(count: Int.random(in: 0...64, using: &generator))
            for kept in [PercentEncoding.unreserved, PercentEncoding.pathValue, PercentEncoding.queryValue, ByteSet()] {
                #expect(PercentEncoding.decode(PercentEncoding.encode(bytes, keeping: kept)) == bytes)
            }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Hexadecimal.decode(Hexadecimal.encode(bytes).utf8) == bytes)
        }
    }

    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("demoKey0001:demoSecret_0001_abcdefgh", "ZGVtb0tleTAwMDE6ZGVtb1NlY3JldF8wMDAxX2FiY2RlZmdo")])
    func base64(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == Array(encoded.utf8))
        #expect(Base64.decode(Array(encoded.utf8)) == Array(plain.utf8))
    }

    @Test(arguments: ["Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9", "Zm9v\n", "Zm9-"])
    func base64RefusesOtherForms(text: String) {
        #expect(Base64.decode(Array(text.utf8)) == nil)
    }
}

@Suite struct BasicDateTests {
    @Test(arguments: [
        (0, "19700101T000000Z"), (1_704_164_645, "20240102T030405Z"), (951_782_400, "20000229T000000Z"),
        (-1, "19691231T235959Z"), (4_102_444_799, "20991231T235959Z"), (253_402_300_799, "99991231T235959Z"),
        (-62_135_596_800, "00010101T000000Z"), (1_078_012_800, "20040229T000000Z"),
    ] as [(Int64, String)])
    func writesAndReads(seconds: Int64, text: String) {
        #expect(BasicDate(seconds: seconds).text == text)
        #expect(BasicDate(text)?.seconds == seconds)
    }

    @Test(arguments: [
        "", "20240102T030405", "20240102T030405z", "2024-01-02T03:04:05Z", "20230229T000000Z", "20240102T240000Z",
        "20240102T006000Z", "20240102T000060Z", "20241302T000000Z", "20240002T000000Z", "20240100T000000Z", "+0240102T030405Z",
        "00000102T030405Z", "20240102 030405Z",
    ])
    func refusesWhatIsNotTheForm(text: String) {
        #expect(BasicDate(text) == nil)
    }

    @Test func everyDaySurvivesARoundTrip() {
        for day in stride(from: Int64(-719_162), through: 2_932_896, by: 37) {
            let date = BasicDate(seconds: day * 86_400 + 86_399)
            #expect(BasicDate(date.text) == date)
        }
    }

    @Test func cacheFollowsTheSecond() {
        let cache = BasicDateCache()
        #expect(Array(cache.bytes(for: 0)) == Array("19700101T000000Z".utf8))
        #expect(Array(cache.bytes(for: 0)) == Array("19700101T000000Z".utf8))
        #expect(Array(cache.bytes(for: 61)) == Array("19700101T000101Z".utf8))
    }
}

/// Repeatable random numbers (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
    mutating func bytes(count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }
}
