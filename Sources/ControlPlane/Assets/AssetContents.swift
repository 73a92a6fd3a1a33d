import GatewayModel
import Store

/// An application with everything of it that an archive holds.
public struct AssetContents: Sendable {
    public let application: Application
    /// Those of the application, and the others that its APIs are in.
    public let groups: [APIGroup]
    public let plugins: [Plugin]
    public let apis: [APIView]
    public let livedataAPIs: [LivedataView]
    /// What these name besides each other, by id.
    public let references: [String: AssetReference]
}

extension ControlPlane {
    /// - Throws: ``OperationError``: application unknown.
    public func assetContents(_ call: Call, applicationID: String) async throws -> AssetContents {
        try await read { r in
            try r.checkInstance(of: call)
            let application = try r.application(applicationID, of: call)
            let apis = try r.apis(of: application)
            let own = try r.sql.all(APIGroup.self, where: r.owned(by: application), order: "created_at, id")
            var references: [String: AssetReference] = [:]
            for id in Set(apis.map(\.definition.groupID)) where !own.contains(where: { $0.id == id }) {
                references[id] = AssetReference(kind: .group, name: try r.group(id, of: call).name)
            }
            let plugins = try r.sql.all(PluginRow.self, where: r.owned(by: application), order: "created_at, id")
                .map { try $0.model(box: r.box).withoutSecrets }
            let livedata = try r.sql.all(LivedataAPIRow.self, where: r.owned(by: application), order: "created_at, id").map(\.api)
            for api in apis { try r.add(api.definition, to: &references, of: call) }
            for plugin in plugins {
                for id in (try? PluginContent(parsing: plugin.content, type: plugin.type))?.channelIDs ?? [] {
                    try r.add(.vpcChannel, "vpc_channels", id, to: &references)
                }
            }
            for api in livedata { try r.add(.signatureKey, "signs", api.signatureKeyID, to: &references) }
            return AssetContents(
                application: application, groups: own, plugins: plugins, apis: try r.views(apis),
                livedataAPIs: livedata.map { LivedataView(api: $0, applicationName: application.name) }, references: references)
        }
    }
}

extension Reading {
    /// Those that belong to the application, and those without one in its groups.
    func apis(of application: Application) throws -> [API] {
        var condition = Condition()
        condition.and("instance_id = ?", .text(application.instanceID))
        condition.and(
            """
            (roma_app_id = ? OR roma_app_id = '' AND group_id IN
              (SELECT g.id FROM api_groups g WHERE g.instance_id = ? AND g.roma_app_id = ?))
            """, .text(application.id), .text(application.instanceID), .text(application.id))
        return try sql.all(APIRow.self, where: condition, order: "created_at, id").map(\.api)
    }

    func owned(by application: Application) -> Condition {
        var condition = Condition()
        condition.and("instance_id = ?", .text(application.instanceID))
        condition.and("roma_app_id = ?", .text(application.id))
        return condition
    }

    fileprivate func add(
        _ definition: APIDefinition, to references: inout [String: AssetReference], of call: Call
    ) throws {
        for id in definition.authorizerIDs { try add(.authorizer, "authorizers", id, to: &references) }
        for id in definition.orchestrationIDs { try add(.orchestration, "orchestrations", id, to: &references) }
        var definition = definition
        var channels: [String] = []
        definition.forEachReference { if let id = $0.channelID { channels.append(id) } }
        for id in channels { try add(.vpcChannel, "vpc_channels", id, to: &references) }
    }

    /// What is gone meanwhile is named by its id: the import will say that it does not exist.
    fileprivate func add(
        _ kind: AssetReference.Kind, _ table: String, _ id: String?, to references: inout [String: AssetReference]
    ) throws {
        guard let id, !id.isEmpty, references[id] == nil else { return }
        let row = try sql.first("SELECT name FROM \(table) WHERE id = ?", [.text(id)])
        references[id] = AssetReference(kind: kind, name: try row?.text("name") ?? id)
    }
}
