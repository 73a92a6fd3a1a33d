/// What is served of a signature key of type public_key: PEM blocks of everything that may have signed.
public struct PublicKeyText: Sendable, Equatable {
    /// A key that was replaced. Times in milliseconds since 1970.
    public struct Part: Sendable, Equatable {
        public let pem: [UInt8]
        public let signsUntil: Int64
        public let endsAt: Int64

        public init(pem: [UInt8], signsUntil: Int64, endsAt: Int64) {
            self.pem = pem
            self.signsUntil = signsUntil
            self.endsAt = endsAt
        }
    }

    public let present: [UInt8]
    /// The oldest first.
    public let replaced: [Part]

    public init(present: [UInt8], replaced: [Part] = []) {
        self.present = present
        self.replaced = replaced
    }

    /// The key that signs, then the others that are valid.
    ///
    /// - Parameter wall: milliseconds since 1970.
    public func text(at wall: Int64) -> [UInt8] {
        let valid = replaced.filter { wall < $0.endsAt }
        guard !valid.isEmpty else { return present }
        let signing = valid.first { wall < $0.signsUntil }
        let others = valid.filter { $0 != signing }.map(\.pem)
        return Array(((signing.map { [$0.pem] } ?? []) + [present] + others).joined(separator: [UInt8(ascii: "\n")]))
    }
}
