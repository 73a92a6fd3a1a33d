import GatewayModel

extension ThrottlePolicy: Record {
    public static let table = "throttles"
    public static let columns = [
        "id", "instance_id", "name", "type", "api_limit", "user_limit", "app_limit", "ip_limit", "time_unit", "time_interval",
        "remark", "created_at", "updated_at",
    ]

    public var values: [SQLValue] {
        [
            .text(id), .text(instanceID), .text(name), SQLValue(kind.rawValue), SQLValue(apiLimit), SQLValue(userLimit),
            SQLValue(appLimit), SQLValue(addressLimit), .text(unit.rawValue), SQLValue(interval), .text(remark),
            .integer(createdAt.nanoseconds), .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        let kind = try row.int("type")
        let unit = try row.text("time_unit")
        guard let kind = Kind(rawValue: kind), let unit = TimeUnit(rawValue: unit) else {
            throw StoreError.malformed("throttle \(kind) \(unit)")
        }
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), name: try row.text("name"), kind: kind,
            apiLimit: try row.int("api_limit"), userLimit: try row.int("user_limit"), appLimit: try row.int("app_limit"),
            addressLimit: try row.int("ip_limit"), unit: unit, interval: try row.int("time_interval"),
            remark: try row.text("remark"), createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}

extension ThrottleSpecial: Record {
    public static let table = "throttle_specials"
    public static let columns = ["id", "throttle_id", "object_type", "object_id", "call_limits", "applied_at"]

    public var values: [SQLValue] {
        [
            .text(id), .text(policyID), .text(object.rawValue), .text(objectID), SQLValue(limit),
            .integer(appliedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        let object = try row.text("object_type")
        guard let object = Object(rawValue: object) else { throw StoreError.malformed("throttle special \(object)") }
        self.init(
            id: try row.text("id"), policyID: try row.text("throttle_id"), object: object,
            objectID: try row.text("object_id"), limit: try row.int("call_limits"),
            appliedAt: Timestamp(nanoseconds: try row.integer("applied_at")))
    }
}

extension ThrottleBinding: Record {
    public static let table = "throttle_bindings"
    public static let columns = ["id", "throttle_id", "publication_id", "bound_at"]

    public var values: [SQLValue] {
        [.text(id), .text(policyID), .text(publicationID), .integer(boundAt.nanoseconds)]
    }

    public init(row: SQLRow) throws {
        self.init(
            id: try row.text("id"), policyID: try row.text("throttle_id"), publicationID: try row.text("publication_id"),
            boundAt: Timestamp(nanoseconds: try row.integer("bound_at")))
    }
}
