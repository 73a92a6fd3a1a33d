import GatewayPrimitives

/// What the parts of a channel may be, each by itself (management-api.md, 3.19). Pure functions.
public enum ChannelRules {
    public static let ports = 1...65_535
    public static let optionalPorts = 0...65_535
    public static let weights = 0...10_000
    /// What the contract does not limit.
    public static let maxGroups = 100
    public static let maxLabels = 50
    public static let maxGroupNameLength = 64

    public static func check(_ channel: VPCChannel) throws(InvalidField) {
        guard ports.contains(channel.port) else { throw InvalidField(field: "port", reason: "is outside 1 to 65535") }
        if channel.type == .server, channel.microservice != nil {
            throw InvalidField(field: "microservice_info", reason: "belongs to channels of type 3")
        }
        if let check = channel.healthCheck { try self.check(check) }
    }

    public static func check(_ check: HealthCheck) throws(InvalidField) {
        guard optionalPorts.contains(check.port) else { throw InvalidField(field: "port", reason: "is outside 0 to 65535") }
        guard check.timeout < check.timeInterval else {
            throw InvalidField(field: "timeout", reason: "is not less than the interval")
        }
        if check.checksHTTP {
            guard isPath(check.path) else { throw InvalidField(field: "path", reason: "is no absolute path") }
            guard HealthCheck.statuses(check.httpCode) != nil else {
                throw InvalidField(field: "http_code", reason: "is no list of statuses")
            }
        } else {
            guard check.path.isEmpty || isPath(check.path) else { throw InvalidField(field: "path", reason: "is no absolute path") }
            guard check.httpCode.isEmpty || HealthCheck.statuses(check.httpCode) != nil else {
                throw InvalidField(field: "http_code", reason: "is no list of statuses")
            }
        }
        guard !check.enableClientTLS || check.usesTLS else {
            throw InvalidField(field: "enable_client_ssl", reason: "needs protocol HTTPS")
        }
    }

    public static func check(_ group: MemberGroup) throws(InvalidField) {
        guard isName(group.name) else { throw InvalidField(field: "member_group_name", reason: "is no name") }
        guard group.remark.unicodeScalars.allSatisfy({ $0 != "<" && $0 != ">" && $0.value >= 0x20 }) else {
            throw InvalidField(field: "member_group_remark", reason: "holds a character that is not allowed")
        }
        guard group.microserviceLabels.count <= maxLabels else {
            throw InvalidField(field: "microservice_labels", reason: "are more than \(maxLabels)")
        }
    }

    /// - Parameter type: of the channel.
    public static func check(_ member: ChannelMember, type: ChannelMemberType) throws(InvalidField) {
        guard isHost(member.host) else {
            // Without an inventory of servers a server's address must come with its id (management-api.md, 3.20).
            throw InvalidField(field: type == .ecs && member.host.isEmpty ? "member_type" : "host", reason: "is no address or name")
        }
        if type == .ecs {
            let isID = (1...64).contains(member.ecsID.utf8.count)
                && member.ecsID.utf8.allSatisfy { ByteSet.lettersAndDigits.contains($0) || $0 == 0x2D || $0 == 0x5F }
            guard isID else { throw InvalidField(field: "ecs_id", reason: "is no id") }
            guard isName(member.ecsName) else { throw InvalidField(field: "ecs_name", reason: "is no name") }
        }
        guard optionalPorts.contains(member.port) else { throw InvalidField(field: "port", reason: "is outside 0 to 65535") }
        guard weights.contains(member.weight) else { throw InvalidField(field: "weight", reason: "is outside 0 to 10000") }
    }

    /// 1 to 64 characters, no control characters, no angle brackets, no blanks at the ends.
    static func isName(_ text: String) -> Bool {
        (1...maxGroupNameLength).contains(text.unicodeScalars.count) && text.first != " " && text.last != " "
            && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && $0 != "<" && $0 != ">" }
    }

    /// An IPv4 or IPv6 address or a host name of at most 64 characters.
    public static func isHost(_ text: String) -> Bool {
        guard (1...64).contains(text.utf8.count) else { return false }
        if IPAddress(text[...]) != nil { return true }
        // What looks like an address and is none is not a name either.
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        if labels.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }) { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { ByteSet.lettersAndDigits.contains($0) || $0 == 0x2D || $0 == 0x5F }
        }
    }

    /// A path with an optional query, as it stands in a request line; at most 512 characters.
    static func isPath(_ text: String) -> Bool {
        text.hasPrefix("/") && text.utf8.count <= 512 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x23 }
    }
}
