import GatewayModel
import GatewayPrimitives

/// Table `signs`; the secret is sealed.
public struct SignatureKeyRow: Record {
    public static let table = "signs"
    public static let columns = [
        "id", "instance_id", "name", "sign_type", "sign_key", "sealed_secret", "sign_algorithm", "created_at", "updated_at",
    ]
    public let values: [SQLValue]
    private let id, instanceID, name, type, key, sealedSecret, algorithm: String
    private let createdAt, updatedAt: Timestamp

    public init(_ key: SignatureKey, box: SecretBox) throws(StoreError) {
        id = key.id
        instanceID = key.instanceID
        name = key.name
        type = key.type.rawValue
        self.key = key.key
        sealedSecret = try box.seal(key.secret.revealed, context: "signs:\(key.id)")
        algorithm = key.algorithm?.rawValue ?? ""
        createdAt = key.createdAt
        updatedAt = key.updatedAt
        values = [
            .text(id), .text(instanceID), .text(name), .text(type), .text(self.key), .text(sealedSecret), .text(algorithm),
            .integer(createdAt.nanoseconds), .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        id = try row.text("id")
        instanceID = try row.text("instance_id")
        name = try row.text("name")
        type = try row.text("sign_type")
        key = try row.text("sign_key")
        sealedSecret = try row.text("sealed_secret")
        algorithm = try row.text("sign_algorithm")
        createdAt = Timestamp(nanoseconds: try row.integer("created_at"))
        updatedAt = Timestamp(nanoseconds: try row.integer("updated_at"))
        values = []
    }

    public func model(box: SecretBox) throws(StoreError) -> SignatureKey {
        guard let type = SignatureType(rawValue: type) else { throw .malformed("sign_type \(type)") }
        return SignatureKey(
            id: id, instanceID: instanceID, name: name, type: type, key: key,
            secret: Secret(try box.open(sealedSecret, context: "signs:\(id)")),
            algorithm: SignatureAlgorithm(rawValue: algorithm), createdAt: createdAt, updatedAt: updatedAt)
    }
}
