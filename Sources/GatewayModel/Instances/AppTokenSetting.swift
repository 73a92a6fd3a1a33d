import GatewayPrimitives

extension FeatureSetting {
    /// Feature `app_token` (gateway-runtime.md, 2.5).
    public struct AppToken: Sendable, Equatable {
        /// 1...72 000, as `refreshSeconds`.
        public let accessSeconds: Int
        public let refreshSeconds: Int
        /// Path of the token endpoint.
        public let uri: String
        /// In the clear; empty for one that is to be made, ``mask`` in a stored config.
        public let key: Secret

        static let names: Set<String> = [
            "enable", "app_token_expire_time", "refresh_token_expire_time", "app_token_uri", "app_token_key",
        ]
        /// What stands in answers for a key.
        public static let mask = "**********"

        /// - Returns: nil when a member is out of range.
        init?(number: (String, Int) -> Int?, text: (String, String) -> String?) {
            guard let access = number("app_token_expire_time", 3600), (1...72_000).contains(access),
                let refresh = number("refresh_token_expire_time", 7200), (1...72_000).contains(refresh),
                let uri = text("app_token_uri", "/v1/apigw/oauth2/token"), Self.isPath(uri),
                let key = text("app_token_key", ""), key.isEmpty || key == Self.mask || Self.isKey(key)
            else { return nil }
            accessSeconds = access
            refreshSeconds = refresh
            self.uri = uri
            self.key = Secret(key)
        }

        static func config(_ enable: String) -> String {
            #"{"enable":"\#(enable)","app_token_expire_time":3600,"refresh_token_expire_time":7200,"app_token_uri":"/v1/apigw/oauth2/token","app_token_key":""}"#
        }

        /// Printable characters: fewer could be guessed by who has a token.
        private static func isKey(_ text: String) -> Bool {
            (16...256).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        }

        private static func isPath(_ text: String) -> Bool {
            let marks = Set("/-._~".utf8)
            return (2...128).contains(text.utf8.count) && text.hasPrefix("/") && !text.contains("//") && text != "/apic/health_check"
                && !text.split(separator: "/").contains { $0 == "." || $0 == ".." }
                && text.utf8.allSatisfy {
                    (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || marks.contains($0)
                }
        }
    }
}
