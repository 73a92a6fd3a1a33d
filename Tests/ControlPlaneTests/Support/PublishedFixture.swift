import ControlPlane
import GatewayModel
import Snapshot
import Store
import Testing

/// Where an API was published.
struct PublishedFixture: Sendable {
    let apiID: String
    let publicationID: String
    let groupID: String
}

extension ControlPlaneFixture {
    /// A group, written as its own operation would.
    func group(_ name: String = "api_group_001", instance: String? = nil) async throws -> String {
        let instanceID = instance ?? instanceID
        return try await plane.write(call(instance: instanceID)) { w in
            let group = APIGroup(
                id: w.newID(), instanceID: instanceID, name: name, remark: "", isDefault: false, romaAppID: "",
                createdAt: w.now, updatedAt: w.now)
            try w.sql.insert(group)
            w.touch(.group(group.id))
            return group.id
        }.value
    }

    /// An environment besides RELEASE.
    func environment(_ name: String) async throws -> String {
        let instanceID = instanceID
        return try await plane.write(call()) { w in
            let environment = Environment(id: w.newID(), instanceID: instanceID, name: name, remark: "", createdAt: w.now)
            try w.sql.insert(environment)
            return environment.id
        }.value
    }

    /// An API that answers by itself, in force in an environment.
    func publish(
        _ name: String, group: String, method: HTTPMethod = .get, uri: String? = nil, environment: String = Environment.releaseID,
        api existing: String? = nil, instance: String? = nil
    ) async throws -> PublishedFixture {
        let instanceID = instance ?? instanceID
        let definition = APIDefinition(
            name: name, groupID: group, type: 1, reqProtocol: .both, reqMethod: method, reqURI: uri ?? "/\(name)",
            authType: .none, backendType: .mock, remark: "Web backend Api", tags: ["one"],
            mock: MockBackendDefinition(id: "m", resultContent: "{}"))
        return try await plane.write(call(instance: instanceID)) { w in
            let api = API(
                id: existing ?? w.newID(), instanceID: instanceID, definition: definition, createdAt: w.now, updatedAt: w.now)
            if existing == nil { try w.sql.insert(APIRow(api)) }
            let version = w.newID()
            let publication = Publication(
                id: w.newID(), apiID: api.id, instanceID: instanceID, environmentID: environment, versionID: version,
                groupID: group, claim: definition.claim, publishedAt: w.now)
            try w.sql.insert(publication)
            try w.sql.insert(
                APIVersionRow(
                    APIVersion(
                        id: version, publicationID: publication.id, apiID: api.id, number: "20200803114014",
                        definition: definition, remark: "", publishedAt: w.now)))
            w.touch(.publication(publication.id))
            return PublishedFixture(apiID: api.id, publicationID: publication.id, groupID: group)
        }.value
    }

    func takeOffline(_ api: PublishedFixture) async throws {
        _ = try await plane.write(call()) { w in
            try w.sql.execute("UPDATE publications SET version_id = NULL WHERE id = ?", [.text(api.publicationID)])
            w.touch(.publication(api.publicationID))
        }
    }

    /// The route that the gateway serves now.
    func route(_ api: PublishedFixture) -> Route? {
        snapshots.host(ofGroup: api.groupID)?.environments.flatMap { $0.routes.all }
            .first { $0.identity.publishID == api.publicationID }
    }
}
