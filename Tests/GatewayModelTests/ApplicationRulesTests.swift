import GatewayModel
import GatewayPrimitives
import Testing

@Suite struct ApplicationRulesTests {
    private func fits(_ body: () throws -> Void) -> Bool {
        do {
            try body()
            return true
        } catch { return false }
    }

    @Test(arguments: [
        ("a", true, false), ("abc", true, true), ("订单 系统(1)_x-y.z", true, false), ("订单系统", true, true), ("", false, false),
        ("   ", false, false), ("1abc", true, false), ("a/b", false, false), ("abc<", false, false), ("a_b-c", true, true),
        ("a\nb", false, false),
    ])
    func names(_ name: String, roma: Bool, apig: Bool) {
        #expect(fits { try ApplicationRules.check(name: name, origin: .roma) } == roma)
        #expect(fits { try ApplicationRules.check(name: name, origin: .apig) } == apig)
    }

    @Test(arguments: [(1, true, false), (3, true, true), (64, true, true), (65, false, false)])
    func lengthOfNames(_ length: Int, roma: Bool, apig: Bool) {
        let name = String(repeating: "n", count: length)
        #expect(fits { try ApplicationRules.check(name: name, origin: .roma) } == roma)
        #expect(fits { try ApplicationRules.check(name: name, origin: .apig) } == apig)
    }

    @Test(arguments: [
        (0, false, false), (1, true, false), (7, true, false), (8, true, true), (64, true, true), (65, false, true), (200, false, true),
        (201, false, false),
    ])
    func lengthOfKeys(_ length: Int, roma: Bool, apig: Bool) {
        let key = String(repeating: "k", count: length)
        #expect(fits { try ApplicationRules.check(key: key, origin: .roma, field: "key") } == roma)
        #expect(fits { try ApplicationRules.check(key: key, origin: .apig, field: "app_key") } == apig)
    }

    @Test func charactersOfKeysAndSecrets() {
        for text in ["with space", "emoji🙂1", "tab\tstop1", "quote\"12", "a,b,c,d,e", "null\u{0}bytes"] {
            #expect(!fits { try ApplicationRules.check(key: text, origin: .roma, field: "key") })
            #expect(!fits { try ApplicationRules.check(secret: Secret(text), origin: .roma, field: "secret") })
        }
        #expect(fits { try ApplicationRules.check(key: "aB3-_@.x", origin: .apig, field: "app_key") })
        #expect(fits { try ApplicationRules.check(secret: Secret("aB3-_@.!#$%+=/"), origin: .apig, field: "app_secret") })
        // What only a secret may have.
        #expect(!fits { try ApplicationRules.check(key: "abcdefg!", origin: .apig, field: "app_key") })
    }

    @Test func whatIsMadeFits() throws {
        var random = SystemRandomNumberGenerator()
        var seen: Set<String> = []
        for origin in Application.Origin.allCases {
            for _ in 0..<100 {
                let word = ApplicationRules.generate(origin: origin, using: &random)
                #expect(word.count == (origin == .roma ? 16 : 32))
                try ApplicationRules.check(key: word, origin: origin, field: "key")
                try ApplicationRules.check(secret: Secret(word), origin: origin, field: "secret")
                seen.insert(word)
            }
        }
        #expect(seen.count == 200)
    }

    @Test func rolesIncludeWhatTheyMust() {
        #expect(ApplicationRole.closed([.modify]) == [.read, .modify])
        #expect(ApplicationRole.closed([.delete, .access, .access]) == [.read, .access, .delete])
        #expect(ApplicationRole.closed([.admin]) == ApplicationRole.allCases)
        #expect(ApplicationRole.closed([]) == [.read])
    }
}
