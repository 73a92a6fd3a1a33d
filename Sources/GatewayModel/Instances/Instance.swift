/// A logical gateway with resources of its own (management-api.md, 3.1).
public struct Instance: Codable, Sendable, Equatable {
    public let id: String
    public let projectID: String
    public var name: String
    public var description: String
    public var profile: InstanceProfile
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, projectID: String, name: String, description: String, profile: InstanceProfile = InstanceProfile(),
        createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.projectID = projectID
        self.name = name
        self.description = description
        self.profile = profile
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// What callers say about an instance for other people's sake: shown as given, without effect on what the instance does.
public struct InstanceProfile: Codable, Sendable, Equatable {
    /// Edition; nil for the instance that the first start made.
    public var spec: String?
    public var vpcID: String?
    public var subnetID: String?
    public var securityGroupID: String?
    public var enterpriseProjectID: String?
    public var zones: [String]?
    public var balancer: String?
    /// User who made it.
    public var userID: String?
    public var maintenance: MaintenanceWindow?

    public init() {}

    /// Editions that can be asked for. They differ in nothing here: limits are the operator's.
    public static let specs: Set<String> = {
        let names = ["BASIC", "PROFESSIONAL", "ENTERPRISE", "PLATINUM"]
        return Set(names + names.map { $0 + "_IPV6" } + (2...8).map { "PLATINUM_X\($0)" })
    }()
}

/// Four hours a day, which begin at one of six (management-api.md, 3.1). Nothing is done in them here.
public struct MaintenanceWindow: Codable, Sendable, Equatable {
    public let begin: String
    public let end: String

    public static let standard = MaintenanceWindow(begin: "22:00:00", end: "02:00:00")

    public enum Fault: Error, Sendable, Equatable {
        /// An end is not one of the six hours.
        case hour
        /// The ends are not four hours apart.
        case length
    }

    private static let hours = ["02:00:00", "06:00:00", "10:00:00", "14:00:00", "18:00:00", "22:00:00"]

    private init(begin: String, end: String) {
        self.begin = begin
        self.end = end
    }

    /// One end follows from the other.
    ///
    /// - Returns: nil when neither is given.
    public init?(begin: String?, end: String?) throws(Fault) {
        guard begin != nil || end != nil else { return nil }
        func place(_ text: String?) throws(Fault) -> Int? {
            guard let text else { return nil }
            guard let place = Self.hours.firstIndex(of: text) else { throw .hour }
            return place
        }
        let (from, to) = (try place(begin), try place(end))
        let start = from ?? ((to ?? 0) + 5) % 6
        let stop = (start + 1) % 6
        if let to, to != stop { throw .length }
        self.init(begin: Self.hours[start], end: Self.hours[stop])
    }
}

/// A word that users sort instances by.
public struct InstanceTag: Codable, Sendable, Equatable {
    public let key: String
    public let value: String

    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }

    /// 1 to 128 letters of any script, digits, spaces and `_.:=+-@`; no space at either end, and not the vendor's own `_sys_`.
    public static func isKey(_ text: String) -> Bool {
        (1...128).contains(text.unicodeScalars.count) && !text.hasPrefix("_sys_") && text.first != " " && text.last != " "
            && text.unicodeScalars.allSatisfy(isAllowed)
    }

    /// 0 to 255 of the same, and `/`.
    public static func isValue(_ text: String) -> Bool {
        text.unicodeScalars.count <= 255 && text.unicodeScalars.allSatisfy { isAllowed($0) || $0 == "/" }
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || scalar.properties.numericType != nil || " _.:=+-@".unicodeScalars.contains(scalar)
    }
}

/// A configured feature of an instance; `config` is text whose form depends on the name (management-api.md, 3.2).
public struct Feature: Codable, Sendable, Equatable {
    public let id: String
    public let instanceID: String
    public let name: String
    public var enabled: Bool
    public var config: String
    public var updatedAt: Timestamp

    public init(id: String, instanceID: String, name: String, enabled: Bool, config: String, updatedAt: Timestamp) {
        self.id = id
        self.instanceID = instanceID
        self.name = name
        self.enabled = enabled
        self.config = config
        self.updatedAt = updatedAt
    }
}
