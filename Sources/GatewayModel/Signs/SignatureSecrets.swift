/// What a signature key signs with besides its present secret.
public struct SignatureSecrets: Sendable, Equatable {
    public var present: PresentSecret
    /// Those that have not ended, the oldest first.
    public var retired: [RetiredSecret]

    public init(present: PresentSecret, retired: [RetiredSecret] = []) {
        self.present = present
        self.retired = retired
    }

    /// The one that signs: the oldest whose time has not come, else the present one. A later replacement does not bring an
    /// earlier one back.
    ///
    /// - Returns: nil for the present one.
    public func signing(at now: Timestamp) -> RetiredSecret? {
        retired.first { secret in secret.signsUntil.map { now < $0 } ?? false }
    }
}
