import GatewayModel
import ProxyPipeline
import Testing

/// Random definitions and requests against a plain model.
@Suite struct MappingPropertyTests {
    struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var value = state
            value = (value ^ (value >> 33)) &* 0xFF51_AFD7_ED55_8CCD
            return value ^ (value >> 33)
        }
        mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
    }

    private static let queries = ["a", "b", "c", "d", "u", "v"]
    private static let headers = ["X-A", "X-B", "X-C", "X-D", "X-U"]
    private static let bytes = Array("abcXYZ019 ?></%#\"[\\]^`{|}&+=.:;,@!$'()*~-_".utf8) + [0x01, 0x7F, 0xC3, 0xA4, 0x09]

    private static func text(_ random: inout Random, plain: Bool = false) -> [UInt8] {
        (0..<Int.random(in: 0...5, using: &random)).map { _ in
            plain || random.chance(70) ? Array("abcdef0123".utf8).randomElement(using: &random)! : bytes.randomElement(using: &random)!
        }
    }

    /// Letters and digits as they are or encoded, everything else encoded.
    private static func escaped(_ text: [UInt8], _ random: inout Random) -> String {
        text.map { byte in
            let isPlain = (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte)
            if byte == 0x20, random.chance(30) { return "+" }
            return isPlain && random.chance(90) ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    /// The tables of gateway-runtime.md, 3.2, letter by letter.
    private static func encoded(_ text: [UInt8], _ specials: String) -> String {
        text.map { byte in
            byte > 32 && byte < 127 && !specials.utf8.contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16).uppercased()
        }.joined()
    }

    private static let pathSpecials = "?></%#\"[\\]^`{|}"
    private static let querySpecials = ">=<+&%#\"[\\]^`{|}"

    private static func trimmed(_ text: [UInt8]) -> [UInt8] {
        Array(text.drop { $0 == 0x20 || $0 == 9 }.reversed().drop { $0 == 0x20 || $0 == 9 }.reversed())
    }

    @Test(arguments: 0..<400) func nothingIsLostOrSentTwice(_ seed: Int) throws {
        var random = Random(state: UInt64(seed))
        var declared: [RequestParameter] = [parameter("p", .path)]
        for name in Self.queries.prefix(4) where random.chance(60) {
            declared.append(
                parameter(name, pass: random.chance(60), default: random.chance(30) ? String(decoding: Self.text(&random, plain: true), as: UTF8.self) : nil))
        }
        for name in Self.headers.prefix(4) where random.chance(60) {
            declared.append(
                parameter(name, .header, pass: random.chance(60), default: random.chance(30) ? "d" : nil))
        }
        var made: [BackendParameter] = []
        let hasPath = random.chance(50)
        func source(_ random: inout Random) -> (BackendParameter.Origin, String) {
            random.chance(70)
                ? (.request, declared.randomElement(using: &random)!.name) : (.constant, String(decoding: Self.text(&random, plain: true), as: UTF8.self) + "[ &")
        }
        if hasPath {
            let (origin, value) = source(&random)
            made.append(mapped("z", .path, origin, value))
        }
        for name in Self.queries + ["x", "y"] where random.chance(30) {
            let (origin, value) = source(&random)
            made.append(mapped(name, .query, origin, value))
        }
        for name in Self.headers + ["X-X"] where random.chance(30) {
            let (origin, value) = source(&random)
            made.append(mapped(name, .header, origin, value))
        }
        let bench = try MappingBench(declared, made, path: "/f/{p}", to: hasPath ? "/t/{z}/e" : "/t")

        for _ in 0..<20 {
            let path = Array("k".utf8) + Self.text(&random).filter { $0 != 0x5C && $0 != 0x2F }
            var pairs: [(name: String, value: [UInt8], raw: String)] = []
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let name = Self.queries.randomElement(using: &random)!
                let value = Self.text(&random)
                pairs.append((name, value, Self.escaped(Array(name.utf8), &random) + "=" + Self.escaped(value, &random)))
            }
            var lines: [(name: String, value: [UInt8])] = []
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                lines.append((Self.headers.randomElement(using: &random)!, Self.trimmed(Self.text(&random).filter { $0 != 1 && $0 != 0x7F })))
            }
            var request = Array("GET /f/\(Self.escaped(path, &random).replacing("+", with: "%20"))\(pairs.isEmpty ? "" : "?")\(pairs.map(\.raw).joined(separator: "&")) HTTP/1.1\r\nHost: h\r\n".utf8)
            for line in lines { request += Array("\(random.chance(50) ? line.name : line.name.lowercased()): ".utf8) + line.value + [13, 10] }
            request += [13, 10]

            // The model.
            func values(_ parameter: RequestParameter) -> [[UInt8]] {
                var found: [[UInt8]]
                switch parameter.location {
                case .path: found = [path]
                case .query: found = pairs.filter { $0.name == parameter.name }.map(\.value)
                case .header: found = lines.filter { $0.name == parameter.name }.map(\.value)
                }
                if found.isEmpty, let value = parameter.defaultValue { found = [Array(value.utf8)] }
                return found
            }
            func values(_ parameter: BackendParameter) -> [[UInt8]] {
                parameter.origin == .constant ? [Array(parameter.value.utf8)] : values(declared.first { $0.name == parameter.value }!)
            }
            func isTarget(_ name: String, _ location: ParameterLocation) -> Bool { made.contains { $0.name == name && $0.location == location } }
            func isHeld(_ name: String, _ location: ParameterLocation) -> Bool {
                if isTarget(name, location) { return true }
                guard let own = declared.first(where: { $0.name == name && $0.location == location }) else { return false }
                return !own.passThrough || made.contains { $0.origin == .request && $0.value == name }
            }
            func fallbacks(_ location: ParameterLocation) -> [RequestParameter] {
                declared.filter { own in
                    own.location == location && own.defaultValue != nil && !isHeld(own.name, location)
                        && (location == .query ? !pairs.contains { $0.name == own.name } : !lines.contains { $0.name == own.name })
                }
            }
            var query = pairs.filter { !isHeld($0.name, .query) }.map(\.raw)
            for target in made where target.location == .query {
                query += values(target).map { "\(target.name)=\(Self.encoded($0, Self.querySpecials))" }
            }
            query += fallbacks(.query).map { "\($0.name)=\(Self.encoded(Array($0.defaultValue!.utf8), Self.querySpecials))" }
            var fields = lines.filter { !isHeld($0.name, .header) }.map { ($0.name.lowercased(), $0.value) }
            for target in made where target.location == .header { fields += values(target).map { (target.name.lowercased(), $0) } }
            fields += fallbacks(.header).map { ($0.name.lowercased(), Array($0.defaultValue!.utf8)) }
            var isRefused = fields.contains { $0.1.contains { ($0 < 32 && $0 != 9) || $0 == 127 } }
            var target = "/t"
            if hasPath {
                let value = values(made[0]).first ?? []
                if value.isEmpty { isRefused = true }
                let parts = value.split(omittingEmptySubsequences: false) { $0 == 0x2F || $0 == 0x5C }
                if parts.contains(where: { $0.elementsEqual([0x2E]) || $0.elementsEqual([0x2E, 0x2E]) }) { isRefused = true }
                target = "/t/\(Self.encoded(value, Self.pathSpecials))/e"
            }

            let outcome = bench.send(request)
            guard !isRefused else {
                #expect(outcome.refused == .parameterRejected)
                continue
            }
            let sent = try #require(outcome.sent, "\(String(decoding: request, as: UTF8.self))")
            let found = sent.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            #expect(String(found[0]) == target)
            #expect((found.count > 1 ? found[1].split(separator: "&", omittingEmptySubsequences: false).map(String.init) : []).sorted() == query.sorted())
            func text(_ name: String, _ value: [UInt8]) -> String { name + ":" + String(decoding: Self.trimmed(value), as: UTF8.self) }
            let names = Set((Self.headers + ["X-X"]).map { $0.lowercased() })
            let got = sent.headers.map { ($0.name.lowercased(), $0.value) }.filter { names.contains($0.0) }
            #expect(got.map(text).sorted() == fields.map(text).sorted())
        }
    }
}
