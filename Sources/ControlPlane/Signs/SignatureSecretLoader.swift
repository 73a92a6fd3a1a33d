import GatewayModel
import GatewayPrimitives
import Store

/// Reads what signature keys sign with besides their present secret.
extension PublicationLoader {
    func addSignatureSecrets(to apis: inout [PublishedAPI]) throws {
        let keys = apis.compactMap(\.signatureKey)
        guard !keys.isEmpty else { return }
        let secrets = try signatureSecrets(keys)
        for place in apis.indices { apis[place].signatureSecrets = apis[place].signatureKey.flatMap { secrets[$0.id] } }
    }

    /// By id of the key.
    func signatureSecrets(_ keys: [SignatureKey]) throws -> [String: SignatureSecrets] {
        var found: [String: SignatureSecrets] = [:]
        for key in keys where found[key.id] == nil {
            found[key.id] = SignatureSecrets(present: PresentSecret(ofTheBeginning: key.id, createdAt: key.createdAt))
        }
        let ids = Array(found.keys)
        // Bounded, because databases bound the number of parameters of a statement.
        for start in stride(from: 0, to: ids.count, by: 500) {
            var owned = Condition()
            owned.isIn("owner_id", Array(ids[start..<min(start + 500, ids.count)]))
            for present in try reading.sql.presentSecrets(.signatureKey, where: owned) { found[present.ownerID]?.present = present }
            owned.and("ends_at > ?", .integer(reading.now.nanoseconds))
            for retired in try reading.sql.retiredSecrets(.signatureKey, where: owned, box: reading.box) {
                found[retired.ownerID]?.retired.append(retired)
            }
        }
        return found
    }
}
