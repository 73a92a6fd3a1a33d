import GatewayModel
import GatewayPrimitives
import Testing

@Suite struct SignatureKeyRulesTests {
    private func field(_ type: SignatureType, _ key: String, _ secret: String, _ algorithm: SignatureAlgorithm? = nil) -> String? {
        do {
            try SignatureKeyRules.check(type: type, key: key, secret: Secret(secret), algorithm: algorithm)
            return nil
        } catch {
            return error.field
        }
    }

    @Test(arguments: [
        (.hmac, "a1234567", "a123456789012345", nil, nil), (.hmac, "1" + String(repeating: "_", count: 31), "a!@#$%_-90123456", nil, nil),
        (.hmac, "a123456", "a123456789012345", nil, "sign_key"), (.hmac, String(repeating: "a", count: 33), "a123456789012345", nil, "sign_key"),
        (.hmac, "_1234567", "a123456789012345", nil, "sign_key"), (.hmac, "a12345 7", "a123456789012345", nil, "sign_key"),
        (.hmac, "a1234567", "a12345678901234", nil, "sign_secret"), (.hmac, "a1234567", String(repeating: "a", count: 65), nil, "sign_secret"),
        (.hmac, "a1234567", "!123456789012345", nil, "sign_secret"), (.hmac, "a1234567", "a12345678901234+", nil, "sign_secret"),
        (.hmac, "a1234567", "a123456789012345", .aes128, "sign_algorithm"), (.hmac, "aé234567", "a123456789012345", nil, "sign_key"),
        (.basic, "user", "password", nil, nil), (.basic, "1ser", "password", nil, nil), (.basic, "use", "password", nil, "sign_key"),
        (.basic, "user", "passwor", nil, "sign_secret"), (.basic, "us:r", "password", nil, "sign_key"),
        (.publicKey, "+/=_-aaa", "a12345678901234", nil, "none"), (.publicKey, "=aaaaaaa", "a12345678901234", nil, "sign_key"),
        (.publicKey, "aaaaaaaa", "a1234567890123", nil, "sign_secret"), (.publicKey, String(repeating: "a", count: 513), "a12345678901234", nil, "sign_key"),
        (.publicKey, "aaaaaaaa", String(repeating: "a", count: 2049), nil, "sign_secret"),
        (.aes, "a123456789012345", "a12345678901234=", .aes128, nil), (.aes, "a123456789012345", "a12345678901234=", .aes256, "sign_key"),
        (.aes, String(repeating: "k", count: 32), "a12345678901234=", .aes256, nil), (.aes, "a123456789012345", "a1234567890123", .aes128, "sign_secret"),
        (.aes, "a123456789012345", "a12345678901234=", nil, "sign_algorithm"),
    ] as [(SignatureType, String, String, SignatureAlgorithm?, String?)])
    func forms(type: SignatureType, key: String, secret: String, algorithm: SignatureAlgorithm?, expected: String?) {
        #expect(field(type, key, secret, algorithm) == (expected == "none" ? nil : expected))
    }

    @Test(arguments: [SignatureType.hmac, .basic, .aes], [nil, SignatureAlgorithm.aes128, .aes256])
    func generatedOnesFit(type: SignatureType, algorithm: SignatureAlgorithm?) {
        guard (type == .aes) == (algorithm != nil) else { return }
        var generator = SystemRandomNumberGenerator()
        var seen: Set<String> = []
        for _ in 0..<50 {
            let key = SignatureKeyRules.generateKey(type: type, algorithm: algorithm, using: &generator)
            let secret = SignatureKeyRules.generateSecret(type: type, using: &generator)
            #expect(field(type, key, secret.revealed, algorithm) == nil)
            #expect(seen.insert(key).inserted && seen.insert(secret.revealed).inserted)
            if type != .aes { #expect(key.count == 32 && secret.revealed.count == 32) }
        }
    }

    @Test func masks() {
        let secret = Secret("dc02fc5f30714d6bb21888389419e2b3")
        #expect(SignatureKeyRules.isMask("dc0**********2b3", of: secret))
        #expect(!SignatureKeyRules.isMask("dc0*********2b3", of: secret))
        #expect(!SignatureKeyRules.isMask(secret.revealed, of: secret))
    }

    @Test func algorithms() throws {
        #expect(try SignatureKeyRules.algorithm(nil) == nil)
        #expect(try SignatureKeyRules.algorithm("") == nil)
        #expect(try SignatureKeyRules.algorithm("aes-256-cfb") == .aes256)
        #expect(throws: InvalidField.self) { try SignatureKeyRules.algorithm("aes-256-gcm") }
    }
}
