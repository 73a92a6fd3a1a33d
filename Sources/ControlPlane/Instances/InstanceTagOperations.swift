import GatewayModel
import Store

/// Which instances are looked for by their tags.
public struct InstanceTagFilter: Sendable {
    /// Those without any; what is said about tags does not count then.
    public var withoutAny = false
    /// All keys must be there, each with one of its values; no values: any value.
    public var tags: [(key: String, values: [String])] = []
    /// Part of the name.
    public var name: String?

    public init() {}
}

public struct TaggedInstance: Sendable {
    public let instance: Instance
    public let tags: [InstanceTag]
}

extension ControlPlane {
    /// In the order of their keys.
    public func instanceTags(_ call: Call) async throws -> [InstanceTag] {
        try await read { r in
            _ = try r.instance(of: call)
            return try r.tags(ofInstance: call.instanceID)
        }
    }

    /// Adds tags; a key that is there gets the new value.
    ///
    /// - Throws: ``OperationError``: instance unknown, a tag of the wrong form, more tags than an instance may have.
    public func addInstanceTags(_ call: Call, _ tags: [InstanceTag]) async throws -> Written<Void> {
        let limit = settings.quotas.tagsPerInstance
        return try await write(call) { w in
            _ = try w.instance(of: call)
            try Self.check(tags, limit: limit)
            let old = Dictionary(uniqueKeysWithValues: try w.tags(ofInstance: call.instanceID).map { ($0.key, $0) })
            let added = tags.filter { old[$0.key] == nil }.count
            guard old.count + added <= limit else { throw OperationError.quotaExceeded(.instanceTag, limit: limit) }
            for tag in tags where old[tag.key] != tag {
                let row = InstanceTagRow(instanceID: call.instanceID, tag: tag)
                if old[tag.key] == nil { try w.sql.insert(row) } else { try w.sql.update(row) }
                try w.record(.instanceTag, id: "\(call.instanceID)/\(tag.key)", before: old[tag.key], after: tag)
            }
        }
    }

    /// Removes tags by key, and by value where one is given. What is not there is passed over.
    public func removeInstanceTags(_ call: Call, _ tags: [(key: String, value: String?)]) async throws -> Written<Void> {
        try await write(call) { w in
            _ = try w.instance(of: call)
            for (key, value) in tags {
                guard InstanceTag.isKey(key) else { throw OperationError.invalid(field: "key") }
                guard let row = try w.sql.find(InstanceTagRow.self, key: call.instanceID, key),
                    value == nil || value == row.tag.value
                else { continue }
                try w.sql.delete(InstanceTagRow.self, key: call.instanceID, key)
                try w.record(.instanceTag, id: "\(call.instanceID)/\(key)", before: row.tag, after: nil)
            }
        }
    }

    /// Every tag of the project's instances: key and values, in their order.
    public func projectInstanceTags(_ call: Call) async throws -> [(key: String, values: [String])] {
        try await read { r in
            let rows = try r.sql.query(
                """
                SELECT DISTINCT t.tag_key, t.tag_value FROM instance_tags t JOIN instances i ON i.id = t.instance_id
                WHERE i.project_id = ? ORDER BY t.tag_key, t.tag_value
                """, [.text(call.projectID)])
            var found: [(key: String, values: [String])] = []
            for row in rows {
                let (key, value) = (try row.text("tag_key"), try row.text("tag_value"))
                if found.last?.key == key { found[found.count - 1].values.append(value) } else { found.append((key, [value])) }
            }
            return found
        }
    }

    /// Newest first.
    public func instances(_ call: Call, _ filter: InstanceTagFilter, page: Page) async throws -> Listing<TaggedInstance> {
        try await read { r in
            var condition = Condition()
            condition.equal("project_id", call.projectID)
            condition.matches("name", filter.name)
            if filter.withoutAny {
                condition.and("NOT EXISTS (SELECT 1 FROM instance_tags t WHERE t.instance_id = instances.id)")
            } else {
                for (key, values) in filter.tags {
                    let marks = values.map { _ in "?" }.joined(separator: ", ")
                    condition.and(
                        """
                        EXISTS (SELECT 1 FROM instance_tags t WHERE t.instance_id = instances.id AND t.tag_key = ?\
                        \(values.isEmpty ? "" : " AND t.tag_value IN (\(marks))"))
                        """, arguments: [.text(key)] + values.map(SQLValue.text))
                }
            }
            return try r.sql.page(Instance.self, where: condition, order: "created_at DESC, id", page: page).map { instance in
                TaggedInstance(instance: instance, tags: try r.tags(ofInstance: instance.id))
            }
        }
    }

    /// Form of the tags, and that no key repeats.
    static func check(_ tags: [InstanceTag], limit: Int) throws {
        var keys: Set<String> = []
        for tag in tags {
            guard InstanceTag.isKey(tag.key), keys.insert(tag.key).inserted else { throw OperationError.invalid(field: "key") }
            guard InstanceTag.isValue(tag.value) else { throw OperationError.invalid(field: "value") }
        }
        guard tags.count <= limit else { throw OperationError.quotaExceeded(.instanceTag, limit: limit) }
    }
}

extension Reading {
    fileprivate func tags(ofInstance id: String) throws -> [InstanceTag] {
        var own = Condition()
        own.equal("instance_id", id)
        return try sql.all(InstanceTagRow.self, where: own, order: "tag_key").map(\.tag)
    }
}
