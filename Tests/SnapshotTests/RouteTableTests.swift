import GatewayPrimitives
import Testing

@testable import Snapshot

/// SplitMix64: the same sequence in every run.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

private func makeRoute(_ template: String, _ method: RouteMethod = .get, _ mode: MatchMode = .normal) throws -> Route {
    let path = try PathTemplate(parsing: template, allowsRest: mode == .normal)
    let name = "\(method) \(template) \(mode)"
    return Route(
        identity: RouteIdentity(
            apiID: name, apiName: name, groupID: "g", groupName: "g", environmentID: "e", environmentName: "RELEASE",
            publishID: name),
        method: method, path: path, matchMode: mode, schemes: [.http, .https], refusal: nil,
        backend: .mock(MockBackend(status: 200, headers: [], body: [])), policies: RoutePolicies())
}

private struct Found: Equatable {
    var name: String?
    var captures: [String] = []
    var rest: String?
    var sawPath = false
}

private func find(_ table: RouteTable, _ path: String, _ method: RouteMethod? = .get) -> Found {
    let match = RouteMatch()
    let bytes = Array(path.utf8)
    return bytes.withUnsafeBytes { buffer in
        guard table.match(ByteView(buffer), method: method, into: match), let route = match.route else {
            return Found(sawPath: match.sawPath)
        }
        let captures = (0 ..< match.captureCount).map { index in
            let capture = match[index]
            return String(decoding: bytes[Int(capture.start)...].prefix(Int(capture.count)), as: UTF8.self)
        }
        let rest = route.matchMode == .prefix ? String(decoding: bytes[match.restStart...], as: UTF8.self) : nil
        return Found(name: route.identity.apiID, captures: captures, rest: rest, sawPath: true)
    }
}

/// What the rules say, written down without any structure: all templates that fit, sorted by precedence.
private func findNaively(_ routes: [Route], _ path: String, _ method: RouteMethod?) -> Found {
    struct Candidate {
        var rank: [Int]
        var found: Found
        var route: Route
    }
    let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    var candidates: [Candidate] = []
    for route in routes {
        var template = route.path.segments
        let endsInSlash = route.matchMode == .prefix && template.last == .literal([])
        if endsInSlash { template.removeLast() }
        var rank: [Int] = [route.matchMode == .normal ? 0 : 1]
        var captures: [String] = []
        var index = 0
        var fits = true
        for part in template {
            guard index < segments.count else {
                fits = false
                break
            }
            switch part {
            case .literal(let bytes):
                fits = Array(segments[index].utf8) == bytes
                rank.append(0)
                index += 1
            case .parameter:
                fits = !segments[index].isEmpty
                captures.append(segments[index])
                rank.append(1)
                index += 1
            case .rest:
                let rest = segments[index...].joined(separator: "/")
                fits = !rest.isEmpty
                captures.append(rest)
                rank.append(2)
                index = segments.count
            }
            if !fits { break }
        }
        guard fits else { continue }
        var rest: String?
        if route.matchMode == .normal {
            guard index == segments.count else { continue }
        } else {
            let tail = segments[index...].joined(separator: "/")
            let hasSlash = index < segments.count
            rest = hasSlash ? (endsInSlash ? tail : "/" + tail) : ""
            // Longer before shorter: a template that ends sooner ranks behind any segment it could have had.
            rank.append(3)
            rank.append(endsInSlash == hasSlash ? 0 : 1)
        }
        candidates.append(
            Candidate(
                rank: rank, found: Found(name: route.identity.apiID, captures: captures, rest: rest, sawPath: true),
                route: route))
    }
    let usable = candidates.filter { $0.route.method == .any || $0.route.method == method }
    let best = usable.min { a, b in
        if a.rank != b.rank { return a.rank.lexicographicallyPrecedes(b.rank) }
        return a.route.method != .any && b.route.method == .any
    }
    return best?.found ?? Found(sawPath: !candidates.isEmpty)
}

@Suite struct RouteTableTests {
    static let table: [(String, RouteMethod)] = []

    @Test func precedence() throws {
        var table = RouteTable()
        for route in [
            try makeRoute("/a/{x}"), try makeRoute("/a/b", .any), try makeRoute("/a/{x+}", .any), try makeRoute("/a", .post, .prefix),
            try makeRoute("/a/b/c", .get, .prefix), try makeRoute("/test/", .get, .prefix), try makeRoute("/", .get),
        ] { table = table.inserting(route) }
        #expect(find(table, "/a/b").name == "any /a/b normal")
        #expect(find(table, "/a/c") == Found(name: "get /a/{x} normal", captures: ["c"], sawPath: true))
        // The method does not fit `/a/{x}`: the next candidate serves it.
        #expect(find(table, "/a/c", .post).name == "any /a/{x+} normal")
        #expect(find(table, "/a/b/c/d").name == "any /a/{x+} normal")
        #expect(find(table, "/a/", .post) == Found(name: "post /a prefix", rest: "/", sawPath: true))
        #expect(find(table, "/a", .post).rest == "")
        #expect(find(table, "/a", .get) == Found(sawPath: true))
        #expect(find(table, "/ab", .post) == Found())
        #expect(find(table, "/test/AA/CC").rest == "AA/CC")
        #expect(find(table, "/test").rest == "")
        #expect(find(table, "/testAA") == Found())
        #expect(find(table, "/").name == "get / normal")
        #expect(find(table, "//") == Found())
    }

    /// Tables of generated templates decide as the sorted list does, while routes come and go.
    @Test func equalsANaiveMatcher() throws {
        var random = SeededRandom(seed: 7)
        let words = ["a", "b", "{p}", "ab"]
        for _ in 0 ..< 150 {
            var table = RouteTable()
            var routes: [Route] = []
            for _ in 0 ..< Int.random(in: 1 ... 14, using: &random) {
                let mode: MatchMode = Bool.random(using: &random) ? .normal : .prefix
                var text = ""
                for index in 0 ..< Int.random(in: 0 ... 4, using: &random) {
                    text += "/" + words[Int.random(in: 0 ..< words.count, using: &random)].replacingP(index)
                }
                if mode == .normal, Int.random(in: 0 ..< 4, using: &random) == 0 { text += "/{r+}" }
                if text.isEmpty || Int.random(in: 0 ..< 4, using: &random) == 0, !text.hasSuffix("+}") { text += "/" }
                let method: RouteMethod = [.get, .post, .any][Int.random(in: 0 ..< 3, using: &random)]
                let route = try makeRoute(text, method, mode)
                routes.removeAll { $0.method == method && $0.path == route.path && $0.matchMode == mode }
                routes.append(route)
                table = table.inserting(route)
                if Int.random(in: 0 ..< 5, using: &random) == 0 {
                    let gone = routes.remove(at: Int.random(in: 0 ..< routes.count, using: &random))
                    table = table.removing(method: gone.method, path: gone.path, matchMode: gone.matchMode)
                }
                #expect(table.count == routes.count)
                #expect(Set(table.all.map(\.identity.apiID)) == Set(routes.map(\.identity.apiID)))
            }
            for _ in 0 ..< 60 {
                var path = ""
                for _ in 0 ..< Int.random(in: 1 ... 5, using: &random) {
                    path += "/" + ["a", "b", "ab", "", "c"][Int.random(in: 0 ..< 5, using: &random)]
                }
                let method: RouteMethod? = [.get, .post, .put, nil][Int.random(in: 0 ..< 4, using: &random)]
                #expect(find(table, path, method) == findNaively(routes, path, method), "\(path) \(routes.map(\.identity.apiID))")
            }
            for route in routes { table = table.removing(method: route.method, path: route.path, matchMode: route.matchMode) }
            #expect(table.isEmpty && table.root == nil)
        }
    }
}

extension String {
    fileprivate func replacingP(_ index: Int) -> String { self == "{p}" ? "{p\(index)}" : self }
}

@Suite struct ByteTrieTests {
    @Test func equalsADictionary() {
        var random = SeededRandom(seed: 3)
        var trie = ByteTrie<Int>()
        var reference: [[UInt8]: Int] = [:]
        for step in 0 ..< 20_000 {
            let key = Array("key\(Int.random(in: 0 ..< 3000, using: &random))".utf8)
            let value: Int? = Int.random(in: 0 ..< 3, using: &random) == 0 ? nil : step
            trie = trie.setting(key, to: value)
            reference[key] = value
            #expect(trie.count == reference.count)
        }
        for number in 0 ..< 3000 {
            let key = Array("key\(number)".utf8)
            #expect(trie.value(for: key) == reference[key])
        }
        for key in reference.keys { trie = trie.setting(key, to: nil) }
        #expect(trie.isEmpty && trie.root == nil)
    }

    /// Keys whose hashes are the same in all bits, and versions that do not disturb each other.
    @Test func survivesFullCollisions() {
        func leaf(_ text: String, _ value: Int) -> TrieLeaf<Int> { TrieLeaf(hash: 42, key: Array(text.utf8), value: value) }
        func value(_ node: TrieNode<Int>, _ text: String) -> Int? {
            Array(text.utf8).withUnsafeBytes { node.value(for: ByteView($0), hash: 42) }
        }
        let one = TrieNode(leaf: leaf("a", 1), shift: 0)
        let two = one.inserting(leaf("b", 2), shift: 0).node
        let three = two.inserting(leaf("c", 3), shift: 0).node.inserting(leaf("b", 4), shift: 0).node
        #expect(value(one, "b") == nil)
        #expect(value(two, "b") == 2)
        #expect(value(three, "a") == 1 && value(three, "b") == 4 && value(three, "c") == 3)
        let without = three.removing(Array("b".utf8), hash: 42, shift: 0)?.removing(Array("a".utf8), hash: 42, shift: 0)
        #expect(without.map { value($0, "c") } == 3)
        #expect(without?.nodes.isEmpty == true)
    }
}
