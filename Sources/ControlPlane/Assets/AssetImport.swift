import GatewayModel
import Store

/// One application of an archive, read and checked against the contract's limits. Ids are those of the instance that made the
/// archive; ``references`` says what they stood for.
public struct AssetDraft: Sendable {
    public struct Livedata: Sendable {
        public let draft: LivedataDraft
        public let scripts: [(name: String, content: String)]

        public init(draft: LivedataDraft, scripts: [(name: String, content: String)]) {
            self.draft = draft
            self.scripts = scripts
        }
    }

    public let application: ApplicationDraft
    /// With their ids in the archive.
    public let groups: [(id: String, draft: APIGroupDraft)]
    public let plugins: [PluginDraft]
    public let apis: [APIDefinition]
    public let livedataAPIs: [Livedata]
    public let references: [String: AssetReference]

    public init(
        application: ApplicationDraft, groups: [(id: String, draft: APIGroupDraft)], plugins: [PluginDraft],
        apis: [APIDefinition], livedataAPIs: [Livedata], references: [String: AssetReference]
    ) {
        self.application = application
        self.groups = groups
        self.plugins = plugins
        self.apis = apis
        self.livedataAPIs = livedataAPIs
        self.references = references
    }
}

/// Why applications of a job could not be worked on, by name.
public struct AssetFaults: Error, Sendable {
    /// `part`: of the application, such as the name of an API.
    public let faults: [(application: String, part: String, reason: OperationError)]
}

extension ControlPlane {
    /// Makes everything of an archive in one transaction, and ends the job: all of it, or nothing. The applications belong to
    /// the caller; keys and secrets are new. Nothing is published, attached or deployed.
    ///
    /// - Throws: ``AssetFaults``, one for each application that cannot be made; ``OperationError`` of the store.
    public func importAssets(_ call: Call, jobID: String, _ drafts: [AssetDraft]) async throws {
        _ = try await write(call) { [settings] w in
            try w.checkInstance(of: call)
            var faults: [(application: String, part: String, reason: OperationError)] = []
            for draft in drafts {
                // An application at fault must not hide, nor cause, the faults of the next.
                try w.sql.execute("SAVEPOINT asset")
                var part = draft.application.name
                do {
                    try w.make(draft, settings, of: call, at: &part)
                } catch let reason as OperationError {
                    if case .store = reason { throw reason }
                    faults.append((draft.application.name, part, reason))
                    try w.sql.execute("ROLLBACK TO SAVEPOINT asset")
                }
                try w.sql.execute("RELEASE SAVEPOINT asset")
            }
            guard faults.isEmpty else { throw AssetFaults(faults: faults) }
            try w.finish(jobID, reasons: [], of: call)
        }
    }
}

extension Writing {
    /// - Parameter part: what is being made, for whoever catches the error.
    fileprivate func make(
        _ draft: AssetDraft, _ settings: ControlPlaneSettings, of call: Call, at part: inout String
    ) throws {
        let quotas = settings.quotas
        let application = try createApplication(draft.application, limit: quotas.applications, of: call)
        // Ids of the archive -> ids here.
        var ids: [String: String] = [:]
        for (id, group) in draft.groups {
            part = group.name
            let made = APIGroupDraft(name: group.name, remark: group.remark, romaAppID: application.id)
            ids[id] = try createGroup(made, limit: quotas.apiGroups, of: call).id
        }
        for (id, reference) in draft.references.sorted(by: { $0.key < $1.key }) where ids[id] == nil {
            part = reference.name
            ids[id] = try found(reference, quotas, of: call)
        }
        func here(_ id: String) -> String { ids[id] ?? id }
        for plugin in draft.plugins {
            var plugin = plugin
            part = plugin.name
            plugin.romaAppID = application.id
            // Ids are 32 digits that nothing else in a content looks like.
            for (old, new) in ids where old.utf8.count >= 32 { plugin.content = plugin.content.replacing(old, with: new) }
            _ = try createPlugin(plugin, quotas, of: call)
        }
        for definition in draft.apis {
            var definition = definition
            part = definition.name
            definition.romaAppID = application.id
            definition.groupID = here(definition.groupID)
            definition.authorizerID = definition.authorizerID.map(here)
            definition.forEachReference { reference in
                reference.channelID = reference.channelID.map(here)
                reference.authorizerID = reference.authorizerID.map(here)
            }
            for index in definition.requestParameters.indices {
                definition.requestParameters[index].orchestrations = definition.requestParameters[index].orchestrations?.map(here)
            }
            try checkNew(definition, settings, of: call, allowsNoBackend: true)
            _ = try add(definition, of: call)
        }
        for livedata in draft.livedataAPIs {
            var api = livedata.draft
            part = api.name
            api.romaAppID = application.id
            api.signatureKeyID = api.signatureKeyID.map(here)
            let scripts = livedata.scripts.map {
                LivedataScript(objectName: $0.name, content: $0.content, createdAt: now, updatedAt: now)
            }
            _ = try storeLivedataAPI(api, scripts: scripts, quotas, of: call)
        }
    }

    /// What has the name here. A group that belongs to no application is made when there is none.
    ///
    /// - Throws: ``OperationError/notFound(_:id:)`` with the name.
    private func found(_ reference: AssetReference, _ quotas: Quotas, of call: Call) throws -> String {
        let (kind, table): (ResourceKind, String) =
            switch reference.kind {
            case .authorizer: (.authorizer, "authorizers")
            case .group: (.apiGroup, "api_groups")
            case .orchestration: (.orchestration, "orchestrations")
            case .signatureKey: (.signatureKey, "signs")
            case .vpcChannel: (.vpcChannel, "vpc_channels")
            }
        var condition = Condition()
        condition.and("instance_id = ?", .text(call.instanceID))
        condition.and("name = ?", .text(reference.name))
        if reference.kind == .group { condition.and("roma_app_id = ''") }
        let row = try sql.first("SELECT id FROM \(table)\(condition.sql)", condition.arguments)
        if let row { return try row.text("id") }
        guard reference.kind == .group else { throw OperationError.notFound(kind, id: reference.name) }
        return try createGroup(APIGroupDraft(name: reference.name), limit: quotas.apiGroups, of: call).id
    }
}
