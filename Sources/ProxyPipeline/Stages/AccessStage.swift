import Snapshot

/// Access control by client address (gateway-runtime.md, section 6).
public enum AccessStage {
    /// - Returns: nil when the caller may go on.
    public static func check(_ policy: AccessPolicy, _ facts: RequestFacts) -> GatewayFailure? {
        switch policy.verdict(for: facts.clientAddress) {
        case .allowed: nil
        case .addressUnknown: .addressUnknown
        case .refused: .addressDenied
        }
    }
}
