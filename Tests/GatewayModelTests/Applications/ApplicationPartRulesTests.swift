import GatewayModel
import GatewayPrimitives
import Testing

struct ApplicationPartRulesTests {
    @Test(arguments: [
        (["10.0.0.1"], ["10.0.0.1"]), ([" 10.0.0.1", "10.0.0.1 "], ["10.0.0.1"]),
        (["10.0.0.1-10.0.0.9", "10.0.0.0/8", "::1"], ["10.0.0.1-10.0.0.9", "10.0.0.0/8", "::1"]),
    ])
    func `entries of an access list`(given: [String], stored: [String]) throws {
        #expect(try AppAccessRules.read(given) == stored)
    }

    @Test(arguments: [
        [], [""], [" "], ["host"], ["10.0.0.1\n10.0.0.2"], ["10.0.0.2-10.0.0.1"], [String](repeating: "10.0.0.1", count: 101),
    ])
    func `what is no access list`(given: [String]) {
        #expect(throws: InvalidField.self) { try AppAccessRules.read(given) }
    }

    @Test(arguments: [
        (AppConfig.Kind.variable, ""), (.variable, "x"), (.password, "x"),
        (.certificate, #"{"public_key":"a","private_key":"b"}"#),
        (.certificate, #"{"passphrase":"","private_key":"b","public_key":"a"}"#),
    ])
    func `values of configurations`(kind: AppConfig.Kind, value: String) throws {
        try AppConfigRules.check(value: Secret(value), kind: kind)
    }

    @Test(arguments: [
        (AppConfig.Kind.password, ""), (.variable, String(repeating: "x", count: 65_536)), (.certificate, ""), (.certificate, "[]"),
        (.certificate, #"{"public_key":"a"}"#), (.certificate, #"{"public_key":"a","private_key":""}"#),
        (.certificate, #"{"public_key":"a","private_key":"b","other":"c"}"#),
        (.certificate, #"{"public_key":"a","private_key":{"a":"b"}}"#),
    ])
    func `what is no value`(kind: AppConfig.Kind, value: String) {
        #expect(throws: InvalidField.self) { try AppConfigRules.check(value: Secret(value), kind: kind) }
    }

    @Test(arguments: [
        ("2026-01-31 05:05:00", Int64(1_769_835_900)), ("1970-01-01 00:00:00", 0), ("2024-02-29 23:59:59 +0000 +0000", 1_709_251_199),
    ])
    func `moments at which windows begin`(text: String, seconds: Int64) throws {
        #expect(try #require(ResetTime(text)).seconds == seconds)
    }

    @Test(arguments: ["", "2026-02-29 00:00:00", "2026-13-01 00:00:00", "2026-01-01 24:00:00", "2026-01-01T00:00:00", "1969-12-31 23:59:59"])
    func `what is no moment`(text: String) {
        #expect(ResetTime(text) == nil)
    }
}
