import GatewayModel
import GatewayPrimitives

/// Policies that a document describes besides its operations.
enum PolicyReader {
    static func accessControls(_ tree: JSONValue) throws(InvalidField) -> [String: AccessControlDescription] {
        var found: [String: AccessControlDescription] = [:]
        for member in try tree.object(Extension.accessControls)?.members ?? [] {
            found[member.name] = AccessControlDescription(
                action: try member.value.text("acl-type") ?? "PERMIT", entity: try member.value.text("entity-type") ?? "IP",
                value: try member.value.text("value") ?? "")
        }
        return found
    }

    static func rateLimits(_ tree: JSONValue) throws(InvalidField) -> [String: RateLimitDescription] {
        var found: [String: RateLimitDescription] = [:]
        for member in try tree.object(Extension.rateLimits)?.members ?? [] {
            let value = member.value
            var specials: [RateLimitDescription.Special] = []
            for special in try value.list("special") {
                guard let limit = try special.integer("limit"), let instance = try special.text("instance") else {
                    throw InvalidField(field: "special", reason: "limit and instance are needed")
                }
                specials.append(.init(type: try special.text("type") ?? "APP", limit: limit, instance: instance))
            }
            guard let limit = try value.integer("api-limit") else { throw InvalidField(field: "api-limit", reason: "absent") }
            found[member.name] = RateLimitDescription(
                apiLimit: limit, userLimit: try value.integer("user-limit"), appLimit: try value.integer("app-limit"),
                ipLimit: try value.integer("ip-limit"), interval: try value.integer("interval") ?? 1,
                unit: (try value.text("unit") ?? "SECOND").uppercased(), shared: try value.flag("shared") ?? false,
                specials: specials, remark: try value.remark("description", limit: 255) ?? "")
        }
        return found
    }

    static func responses(_ tree: JSONValue) throws(InvalidField) -> [String: ResponseDescription] {
        var found: [String: ResponseDescription] = [:]
        for member in try tree.object(Extension.responses)?.members ?? [] {
            var entries: [String: ResponseDescription.Entry] = [:]
            for entry in member.value.members {
                guard case .object = entry.value else { throw InvalidField(field: Extension.responses, reason: "not an object") }
                var headers: [ResponseDescription.Entry.Header] = []
                for header in try entry.value.list("headers") {
                    headers.append(.init(key: try header.text("key") ?? "", value: try header.word("value") ?? ""))
                }
                entries[entry.name] = .init(
                    status: try entry.value.integer("status"), body: try entry.value.text("body"), headers: headers)
            }
            found[member.name] = ResponseDescription(entries: entries)
        }
        return found
    }
}
