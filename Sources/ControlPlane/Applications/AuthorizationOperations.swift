import GatewayModel
import Store

/// Which applications shall be allowed to call which APIs in an environment.
public struct AuthorizationRequest: Sendable {
    public var environmentID: String
    public var applicationIDs: [String]
    public var apiIDs: [String]
    /// Fields of responses that applications see.
    public var visits: [Visit]

    /// - Parameter applicationID: nil: of all applications of the request.
    public struct Visit: Sendable {
        public let apiID: String
        public let applicationID: String?
        public let parameters: String

        public init(apiID: String, applicationID: String?, parameters: String) {
            self.apiID = apiID
            self.applicationID = applicationID
            self.parameters = parameters
        }
    }

    public init(environmentID: String, applicationIDs: [String], apiIDs: [String], visits: [Visit]) {
        self.environmentID = environmentID
        self.applicationIDs = applicationIDs
        self.apiIDs = apiIDs
        self.visits = visits
    }
}

/// What became of one pair of an authorisation request.
public struct AuthorizationOutcome: Sendable {
    public enum Result: Sendable {
        case granted(AppAuthorization)
        /// The pair was authorised before; the record is the old one.
        case present(AppAuthorization)
        case refused(OperationError)
    }

    public let apiID: String
    public let apiName: String
    public let applicationID: String
    public let applicationName: String
    public let result: Result
}

extension ControlPlane {
    /// APIs and applications that one request may name, and pairs that it may make of them.
    public static let authorizationLimit = 1000

    /// Allows every application of the request to call every API of it. Needs no publication. A pair that is authorised
    /// already stays as it is, and an API that does not authenticate applications is refused for itself; the other pairs are
    /// authorised nevertheless (management-api.md, 3.16).
    ///
    /// - Returns: one outcome for each pair, by application and then by API, in the order of the request.
    /// - Throws: ``OperationError``: unknown environment, application or API, an application that the caller may not use,
    ///   too many for one application; nothing is authorised then.
    public func authorize(_ call: Call, _ request: AuthorizationRequest) async throws -> Written<[AuthorizationOutcome]> {
        let limit = settings.quotas.authorizationsPerApplication
        return try await write(call) { w in
            try w.checkInstance(of: call)
            try Writing.checkForm(ofID: request.environmentID, field: "env_id")
            let appIDs = try Writing.distinct(request.applicationIDs, field: "app_ids", limit: Self.authorizationLimit)
            let apiIDs = try Writing.distinct(request.apiIDs, field: "api_ids", limit: Self.authorizationLimit)
            guard appIDs.count * apiIDs.count <= Self.authorizationLimit else { throw OperationError.invalid(field: "api_ids") }
            try Self.check(request.visits, apiIDs: apiIDs, appIDs: appIDs)
            _ = try w.environment(request.environmentID, of: call)
            let applications = try appIDs.map { id in
                let application = try w.application(id, of: call)
                try w.checkAccess(application, .access, of: call)
                return application
            }
            let apis = try w.authenticationTypes(apiIDs, of: call)
            return try applications.flatMap { application in
                var held = try w.sql.count(
                    "SELECT COUNT(*) AS n FROM app_auths WHERE app_id = ?", [.text(application.id)])
                return try apis.map { api in
                    let result = try w.authorize(application, api, request, held: &held, limit: limit, of: call)
                    return AuthorizationOutcome(
                        apiID: api.id, apiName: api.name, applicationID: application.id, applicationName: application.name,
                        result: result)
                }
            }
        }
    }

    /// Names of fields, parted by commas: none empty or twice, each at most 255 letters, digits, `_` and `-` and ending with a
    /// letter or digit (gateway-runtime.md, 2.9).
    private static func check(_ visits: [AuthorizationRequest.Visit], apiIDs: [String], appIDs: [String]) throws {
        guard visits.count <= authorizationLimit else { throw OperationError.invalid(field: "visit_params") }
        for visit in visits {
            guard apiIDs.contains(visit.apiID), visit.applicationID.map(appIDs.contains) != false else {
                throw OperationError.invalid(field: "visit_params")
            }
            guard !visit.parameters.isEmpty else { continue }
            let names = visit.parameters.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            let fits = names.allSatisfy { name in
                (1...255).contains(name.count) && name.allSatisfy(isNameByte) && name.last.map(isAlphanumeric) == true
            }
            guard visit.parameters.utf8.count <= 4096, fits, Set(names.map { Array($0) }).count == names.count else {
                throw OperationError.invalid(field: "visit_param")
            }
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || byte == 0x2D || byte == 0x5F }

    /// Ends an authorisation, for the next request.
    ///
    /// - Throws: ``OperationError``: unknown authorisation, an application that the caller may not use.
    public func cancelAuthorization(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            guard let old = try w.find(AppAuthorization.self, id: id, of: call) else {
                throw OperationError.notFound(.appAuthorization, id: id)
            }
            try w.checkAccess(w.application(old.applicationID, of: call), .access, of: call)
            try w.sql.delete(AppAuthorization.self, key: id)
            try w.record(.appAuthorization, id: id, before: old, after: nil)
            w.touch(.authorization(apiID: old.apiID, environmentID: old.environmentID))
        }
    }
}

/// As much of an API as authorising it needs.
private struct AuthorizableAPI {
    let id: String
    let name: String
    let authenticatesApplications: Bool
}

extension Reading {
    /// In the order of the ids.
    ///
    /// - Throws: ``OperationError/notFound(_:id:)`` for the first that the instance does not have.
    fileprivate func authenticationTypes(_ ids: [String], of call: Call) throws -> [AuthorizableAPI] {
        var found: [String: AuthorizableAPI] = [:]
        for start in stride(from: 0, to: ids.count, by: 500) {
            var wanted = Condition()
            wanted.equal("instance_id", call.instanceID)
            wanted.isIn("id", Array(ids[start..<min(start + 500, ids.count)]))
            for row in try sql.query("SELECT id, name, auth_type FROM apis\(wanted.sql)", wanted.arguments) {
                let id = try row.text("id")
                found[id] = AuthorizableAPI(
                    id: id, name: try row.text("name"),
                    authenticatesApplications: try row.text("auth_type") == AuthenticationType.app.rawValue)
            }
        }
        return try ids.map { id in
            guard let api = found[id] else { throw OperationError.notFound(.api, id: id) }
            return api
        }
    }
}

extension Writing {
    fileprivate func authorize(
        _ application: Application, _ api: AuthorizableAPI, _ request: AuthorizationRequest, held: inout Int, limit: Int,
        of call: Call
    ) throws -> AuthorizationOutcome.Result {
        guard api.authenticatesApplications else { return .refused(.conflict(.apiUsesNoApplications)) }
        var same = Condition()
        same.equal("api_id", api.id)
        same.equal("env_id", request.environmentID)
        same.equal("app_id", application.id)
        if let old = try sql.all(AppAuthorization.self, where: same).first { return .present(old) }
        if try isOn(.appRoute, of: call),
            let rival = try rivalOfApp(application.id, api: api.id, environmentID: request.environmentID, claim: nil, of: call)
        {
            return .refused(.conflict(.apiPathTaken(name: rival)))
        }
        try checkQuota(.appAuthorization, count: held, limit: limit)
        held += 1
        // What is said of this very application counts more than what is said of all.
        let visits = request.visits.filter { $0.apiID == api.id }
        let visit = visits.last { $0.applicationID == application.id } ?? visits.last { $0.applicationID == nil }
        let made = AppAuthorization(
            id: newID(), instanceID: call.instanceID, apiID: api.id, environmentID: request.environmentID,
            applicationID: application.id, visitParameters: visit?.parameters ?? "", authorizedAt: now)
        try sql.insert(made)
        try record(.appAuthorization, id: made.id, before: nil, after: made)
        touch(.authorization(apiID: api.id, environmentID: request.environmentID))
        return .granted(made)
    }
}
