import GatewayPrimitives
import Testing

@Suite struct SecretTests {
    @Test func printsNothingOfItself() {
        let secret = Secret("hunter2-hunter2")
        var dumped = ""
        dump(secret, to: &dumped)
        dump(["a": secret], to: &dumped)
        struct Holder { let secret: Secret }
        dump(Holder(secret: secret), to: &dumped)
        for text in ["\(secret)", "\([secret])", String(describing: secret), String(reflecting: Optional(secret)), dumped] {
            #expect(!text.contains("hunter"))
        }
        #expect(Mirror(reflecting: secret).children.isEmpty)
        #expect(secret.revealed == "hunter2-hunter2")
    }

    @Test func comparesInConstantTime() {
        #expect(Secret("abc") == Secret("abc"))
        #expect(Secret("abc") != Secret("abd"))
        #expect(Secret("abc") != Secret("abcd"))
        #expect(equalInConstantTime([], []))
    }
}
