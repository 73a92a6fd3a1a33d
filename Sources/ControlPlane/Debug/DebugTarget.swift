import GatewayModel
import Snapshot
import Store

/// Which definition of an API a debugging request goes to (management-api.md, 3.8).
public enum DebugMode: String, Sendable {
    /// The draft, published or not.
    case developer = "DEVELOPER"
    /// What is in force in an environment.
    case consumer = "CONSUMER"
    /// The same for an API that was bought.
    case market = "MARKET"
}

/// What a debugging request needs besides what its sender says.
public struct DebugTarget: Sendable {
    public let apiName: String
    public let groupName: String
    /// Value of the header Host.
    public let host: String
    /// Value of `X-Stage`.
    public let stage: String
    /// Where the request goes instead of what is in force: there, `stage` holds the draft alone. nil: what is in force.
    public let snapshot: GatewaySnapshot?
}

extension ControlPlane {
    /// - Parameters:
    ///   - stage: name of an environment; nil: RELEASE. Of no meaning for a draft.
    ///   - domain: host; nil: the group's own.
    ///   - applicationKey: key of the application that signs the request. Drafts have no authorisations; whoever may debug one
    ///     may let an application in, so this one counts as authorised for it.
    /// - Throws: ``OperationError``: API or environment unknown, not published there; no domain of the group; a draft that
    ///   cannot be served, or whose values depend on an environment (``OperationError/cannotServe(field:reason:)``).
    public func debugTarget(
        _ call: Call, apiID: String, mode: DebugMode, stage: String?, domain: String?, applicationKey: String?
    ) async throws -> DebugTarget {
        let settings = settings
        let (api, group, host, published) = try await read { r -> (API, APIGroup, String, PublishedAPI?) in
            try r.checkInstance(of: call)
            let api = try r.api(apiID, of: call)
            let group = try r.group(api.definition.groupID, of: call)
            let own = BoundDomain.normalized(mode == .developer ? api.definition.domainName : "")
            var host = own.isEmpty ? try r.debuggingHost(domain, of: group, settings) : own
            guard mode == .developer else {
                let name = stage ?? "RELEASE"
                var own = Condition()
                own.equal("instance_id", call.instanceID)
                own.and("name = ?", .text(name))
                guard let environment = try r.sql.all(Environment.self, where: own).first else {
                    throw OperationError.notFound(.environment, id: name)
                }
                guard let version = try r.publication(ofAPI: apiID, environmentID: environment.id)?.versionID,
                    let row = try r.sql.find(APIVersionRow.self, key: version)
                else { throw OperationError.notFound(.publication, id: apiID) }
                try Self.refuseVariables(row.version.definition)
                if !row.version.definition.domainName.isEmpty { host = BoundDomain.normalized(row.version.definition.domainName) }
                return (api, group, host, nil)
            }
            try Self.refuseVariables(api.definition)
            return (api, group, host, try r.draftAsPublished(api, group, applicationKey, of: call))
        }
        guard let published else {
            return DebugTarget(
                apiName: api.definition.name, groupName: group.name, host: host, stage: stage ?? "RELEASE", snapshot: nil)
        }
        return DebugTarget(
            apiName: api.definition.name, groupName: group.name, host: host, stage: published.environmentName,
            snapshot: try await snapshot(adding: published))
    }

    /// Their values belong to environments, and are frozen when an API is published.
    private static func refuseVariables(_ definition: APIDefinition) throws {
        // The operation has one request and one answer, both of text (gateway-runtime.md, 4.5).
        guard definition.backendType != .grpc else {
            throw OperationError.cannotServe(field: "api_id", reason: "a GRPC API cannot be debugged")
        }
        guard definition.variableNames.isEmpty else {
            throw OperationError.cannotServe(field: "api_id", reason: "an API with environment variables cannot be debugged")
        }
    }
}

extension Reading {
    fileprivate func debuggingHost(_ domain: String?, of group: APIGroup, _ settings: ControlPlaneSettings) throws -> String {
        let own = "\(group.id).\(settings.groupHostSuffix)"
        guard let domain, domain.lowercased() != own.lowercased() else { return own }
        let bound = try sql.first(
            "SELECT name FROM url_domains WHERE group_id = ? AND name = ?", [.text(group.id), .text(domain.lowercased())])
        guard let bound else { throw OperationError.invalid(field: "domain") }
        return try bound.text("name")
    }

    /// A draft as if it were in force in an environment that has nothing else.
    fileprivate func draftAsPublished(
        _ api: API, _ group: APIGroup, _ applicationKey: String?, of call: Call
    ) throws -> PublishedAPI {
        // No environment can have this name.
        let stage = "debug:draft"
        var published = PublishedAPI(
            publicationID: stage, apiID: api.id, instanceID: api.instanceID, groupID: group.id, groupName: group.name,
            environmentID: stage, environmentName: stage, definition: api.definition)
        let response = try groupResponse(api.definition.responseID ?? group.id, groupID: group.id, of: call)
        if !response.entries.isEmpty { published.groupResponse = response }
        if let applicationKey {
            let row = try sql.first(
                "SELECT id FROM applications WHERE instance_id = ? AND app_key = ?",
                [.text(call.instanceID), .text(applicationKey)])
            if let row { published.authorizedApplications[try row.text("id")] = "" }
        }
        for id in api.definition.channelIDs { published.channels[id] = try channelContent(id, of: call) }
        for id in api.definition.authorizerIDs { published.authorizers[id] = try find(Authorizer.self, id: id, of: call) }
        for id in api.definition.orchestrationIDs {
            published.orchestrations[id] = try find(OrchestrationRule.self, id: id, of: call)
        }
        return published
    }
}
