import GatewayPrimitives
import Testing

@testable import Snapshot

@Suite struct RouteTableTests {
    private func route(_ method: RouteMethod, _ path: String, _ mode: MatchMode = .normal) throws -> Route {
        Route(
            identity: RouteIdentity(
                apiID: "\(method) \(path) \(mode)", apiName: "", groupID: "", groupName: "", environmentID: "", environmentName: "",
                publishID: ""),
            method: method, path: try PathTemplate(parsing: path, allowsRest: mode == .normal), matchMode: mode,
            schemes: [.http, .https], refusal: nil, backend: .mock(MockBackend(status: 200, headers: [], body: [])),
            policies: RoutePolicies())
    }

    private func match(_ table: RouteTable, _ method: RouteMethod?, _ path: String) -> (id: String, captures: [String], tail: String)? {
        let captures = RouteCaptures()
        let bytes = Array(path.utf8)
        guard let found = bytes.withUnsafeBytes({ table.match(path: $0, method: method, captures: captures) }) else { return nil }
        return (
            found.identity.apiID, (0..<captures.count).map { String(decoding: bytes[captures[$0]], as: UTF8.self) },
            String(decoding: bytes[captures.tailStart...], as: UTF8.self)
        )
    }

    @Test func documentedExamples() throws {
        var table = RouteTable()
        for route in [
            try route(.get, "/test"), try route(.get, "/test/"), try route(.get, "/v1/{id}"), try route(.get, "/v1/items"),
            try route(.any, "/v1/{id}/parts/{part}"), try route(.get, "/files/{path+}"), try route(.get, "/test/AA", .prefix),
            try route(.get, "/test/", .prefix), try route(.post, "/", .prefix), try route(.get, "/"),
        ] { table = table.inserting(route) }
        #expect(table.count == 10)
        #expect(match(table, .get, "/test")?.id == "get /test normal")
        #expect(match(table, .get, "/test/")?.id == "get /test/ normal")
        #expect(match(table, .get, "/v1/items")?.id == "get /v1/items normal")
        #expect(match(table, .get, "/v1/other")?.captures == ["other"])
        #expect(match(table, .put, "/v1/7/parts/9")?.captures == ["7", "9"])
        #expect(match(table, nil, "/v1/7/parts/9")?.captures == ["7", "9"])
        #expect(match(table, .get, "/files/a/b/c")?.captures == ["a/b/c"])
        #expect(match(table, .get, "/files/") == nil)
        #expect(match(table, .get, "/test/AA/BB")?.id == "get /test/AA prefix")
        #expect(match(table, .get, "/test/AA/BB")?.tail == "/BB")
        #expect(match(table, .get, "/test/AA")?.tail == "")
        #expect(match(table, .get, "/test/AA/")?.tail == "/")
        #expect(match(table, .get, "/test/AACC")?.id == "get /test/ prefix")
        #expect(match(table, .get, "/test/AACC")?.tail == "/AACC")
        #expect(match(table, .get, "/tester") == nil)
        #expect(match(table, .post, "/anything/at/all")?.tail == "/anything/at/all")
        #expect(match(table, .get, "/")?.id == "get / normal")
        #expect(match(table, .delete, "/test") == nil)
    }

    @Test func emptySegmentsAreNotParameters() throws {
        let table = RouteTable().inserting(try route(.get, "/a/{x}/b"))
        #expect(match(table, .get, "/a//b") == nil)
        #expect(match(table, .get, "/a/1/b")?.captures == ["1"])
        #expect(match(table, .get, "a/1/b") == nil)
    }

    @Test func removalLeavesNothingBehind() throws {
        var generator = SplitMix(state: 7)
        let pieces = ["a", "b", "{x}", "c"]
        var routes: [Route] = []
        for _ in 0..<300 {
            let depth = Int.random(in: 1...4, using: &generator)
            let path = "/" + (0..<depth).map { index in
                let piece = pieces.randomElement(using: &generator)!
                return piece == "{x}" ? "{x\(index)}" : piece
            }.joined(separator: "/")
            routes.append(
                try route([.get, .post, .any].randomElement(using: &generator)!, path, Bool.random(using: &generator) ? .normal : .prefix))
        }
        var table = RouteTable()
        for route in routes { table = table.inserting(route) }
        for route in routes.shuffled(using: &generator) {
            table = table.removing(method: route.method, path: route.path, matchMode: route.matchMode)
        }
        #expect(table.isEmpty)
        #expect(table.all.isEmpty)
    }

    /// The trie decides as the written rules do when they are applied to all routes one by one.
    @Test(arguments: 0..<100) func equalsANaiveMatcher(seed: UInt64) throws {
        var generator = SplitMix(state: seed)
        let pieces = ["a", "b", "c", "{p}"]
        var table = RouteTable()
        var routes: [Route] = []
        for _ in 0..<Int.random(in: 1...25, using: &generator) {
            let mode: MatchMode = Bool.random(using: &generator) ? .normal : .prefix
            var path = ""
            for index in 0..<Int.random(in: 1...4, using: &generator) {
                let piece = pieces.randomElement(using: &generator)!
                path += "/" + (piece == "{p}" ? "{p\(index)}" : piece)
            }
            if mode == .normal, Int.random(in: 0..<5, using: &generator) == 0 { path += "/{rest+}" }
            if Int.random(in: 0..<6, using: &generator) == 0 { path = path.hasSuffix("+}") ? path : path + "/" }
            let added = try route([.get, .post, .any].randomElement(using: &generator)!, path, mode)
            routes.removeAll { $0.method == added.method && same($0, added) && $0.matchMode == added.matchMode }
            routes.append(added)
            table = table.inserting(added)
        }
        #expect(table.count == routes.count)
        for _ in 0..<200 {
            var path = ""
            for _ in 0..<Int.random(in: 1...5, using: &generator) {
                path += "/" + ["a", "b", "c", "d", ""].randomElement(using: &generator)!
            }
            let method: RouteMethod = [.get, .post, .put].randomElement(using: &generator)!
            let expected = naive(routes, method, path)
            #expect(match(table, method, path)?.id == expected?.identity.apiID, "\(method) \(path)")
        }
    }

    private func segments(_ route: Route) -> [PathTemplate.Segment] {
        route.matchMode == .prefix && route.path.segments.last == .literal([]) ? route.path.segments.dropLast() : route.path.segments
    }

    private func same(_ a: Route, _ b: Route) -> Bool { segments(a) == segments(b) }

    private func naive(_ routes: [Route], _ method: RouteMethod, _ path: String) -> Route? {
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { Array($0.utf8) }
        func matches(_ route: Route) -> Bool {
            guard route.method == method || route.method == .any else { return false }
            let pattern = segments(route)
            for (index, segment) in pattern.enumerated() {
                switch segment {
                case .rest: return index < parts.count && !Array(parts[index...].joined(separator: [0x2F])).isEmpty
                case .literal(let text): if index >= parts.count || parts[index] != text { return false }
                case .parameter: if index >= parts.count || parts[index].isEmpty { return false }
                }
            }
            return route.matchMode == .prefix || pattern.count == parts.count
        }
        func rank(_ segment: PathTemplate.Segment) -> Int {
            switch segment {
            case .literal: 0
            case .parameter: 1
            case .rest: 2
            }
        }
        func before(_ a: Route, _ b: Route) -> Bool {
            if a.matchMode != b.matchMode { return a.matchMode == .normal }
            for (left, right) in zip(segments(a), segments(b)) where rank(left) != rank(right) { return rank(left) < rank(right) }
            if segments(a).count != segments(b).count { return segments(a).count > segments(b).count }
            return a.method != .any && b.method == .any
        }
        return routes.filter(matches).min(by: before)
    }
}

@Suite struct ByteTrieTests {
    @Test(arguments: 0..<10) func equalsADictionary(seed: UInt64) {
        var generator = SplitMix(state: seed)
        var trie = ByteTrie<Int>()
        var dictionary: [[UInt8]: Int] = [:]
        for step in 0..<3000 {
            let key = Array("k\(Int.random(in: 0..<700, using: &generator)).example".utf8)
            if Int.random(in: 0..<3, using: &generator) == 0 {
                trie = trie.setting(key, to: nil)
                dictionary[key] = nil
            } else {
                trie = trie.setting(key, to: step)
                dictionary[key] = step
            }
            #expect(trie.count == dictionary.count)
        }
        for number in 0..<700 {
            let key = Array("k\(number).example".utf8)
            #expect(trie.value(for: key) == dictionary[key])
        }
        #expect(trie.values.sorted() == dictionary.values.sorted())
    }

    @Test func olderValuesStay() {
        let one = ByteTrie<Int>().setting([1], to: 1)
        let two = one.setting([1], to: 2).setting([2], to: 3)
        #expect(one.value(for: [1]) == 1)
        #expect(one.value(for: [2]) == nil)
        #expect(two.value(for: [1]) == 2)
        #expect(two.setting([1], to: nil).setting([2], to: nil).isEmpty)
    }
}

/// A small generator whose sequence depends on its seed alone.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
