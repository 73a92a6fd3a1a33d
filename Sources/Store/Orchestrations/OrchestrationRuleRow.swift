import GatewayModel

extension OrchestrationRule: Record {
    public static let table = "orchestrations"
    public static let columns = [
        "id", "instance_id", "name", "strategy", "mapped", "is_preprocessing", "entries", "created_at", "updated_at",
    ]

    public var values: [SQLValue] {
        [
            .text(id), .text(instanceID), .text(name), .text(strategy.rawValue), SQLValue(mapped.map(JSONText.write)),
            SQLValue(isPreprocessing), .text(JSONText.write(entries)), .integer(createdAt.nanoseconds),
            .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        let word = try row.text("strategy")
        guard let strategy = Strategy(rawValue: word) else { throw StoreError.malformed("orchestration \(word)") }
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), name: try row.text("name"), strategy: strategy,
            mapped: try row.optionalText("mapped").map { try JSONText.read(MappedParameter.self, $0, column: "mapped") },
            isPreprocessing: try row.flag("is_preprocessing"),
            entries: try JSONText.read([Entry].self, try row.text("entries"), column: "entries"),
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}
