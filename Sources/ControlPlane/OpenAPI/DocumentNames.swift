import GatewayModel
import OpenAPIDocuments
import Store

/// Documents name other objects, definitions hold their ids: both ways, one lookup for each name.
struct DocumentNames {
    let reading: Reading
    let call: Call

    // MARK: names -> ids

    /// - Throws: ``OperationError/notFound(_:id:)`` with the name.
    func identified(_ described: DocumentAPI) throws -> APIDefinition {
        var definition = described.definition
        definition.authorizerID = try definition.authorizerID.map { try id(.authorizer, $0) }
        try definition.forEachReference { reference in
            if let channel = reference.channelID { reference.channelID = try id(.vpcChannel, channel) }
            if let authorizer = reference.authorizerID { reference.authorizerID = try id(.authorizer, authorizer) }
        }
        for index in definition.requestParameters.indices {
            let parameter = definition.requestParameters[index]
            guard let rules = described.orchestrations[Self.key(parameter)] else { continue }
            definition.requestParameters[index].orchestrations = try rules.map { try id(.orchestration, $0) }
        }
        return definition
    }

    private func id(_ kind: ResourceKind, _ name: String) throws -> String {
        guard let table = Self.table(kind),
            let row = try reading.sql.first(
                "SELECT id FROM \(table) WHERE instance_id = ? AND name = ?", [.text(call.instanceID), .text(name)])
        else { throw OperationError.notFound(kind, id: name) }
        return try row.text("id")
    }

    /// Tables whose names are unique in an instance.
    private static func table(_ kind: ResourceKind) -> String? {
        switch kind {
        case .authorizer: "authorizers"
        case .vpcChannel: "vpc_channels"
        case .orchestration: "orchestrations"
        default: nil
        }
    }

    /// Of ``DocumentAPI/orchestrations``.
    private static func key(_ parameter: RequestParameter) -> String { "\(parameter.location.rawValue) \(parameter.name)" }

    // MARK: ids -> names

    func described(_ definition: APIDefinition) throws -> DocumentAPI {
        var out = definition
        out.authorizerID = try definition.authorizerID.map { try name(.authorizer, $0) }
        out.responseID = definition.responseID.map { id in
            (try? reading.groupResponse(id, groupID: definition.groupID, of: call))?.name ?? id
        }
        try out.forEachReference { reference in
            if let channel = reference.channelID { reference.channelID = try name(.vpcChannel, channel) }
            if let authorizer = reference.authorizerID { reference.authorizerID = try name(.authorizer, authorizer) }
        }
        var orchestrations: [String: [String]] = [:]
        for index in out.requestParameters.indices {
            let parameter = out.requestParameters[index]
            guard let rules = parameter.orchestrations, !rules.isEmpty else { continue }
            orchestrations[Self.key(parameter)] = try rules.map { try name(.orchestration, $0) }
            out.requestParameters[index].orchestrations = nil
        }
        return DocumentAPI(definition: out, orchestrations: orchestrations)
    }

    /// What is gone is named by its id.
    private func name(_ kind: ResourceKind, _ id: String) throws -> String {
        guard let table = Self.table(kind),
            let row = try reading.sql.first(
                "SELECT name FROM \(table) WHERE instance_id = ? AND id = ?", [.text(call.instanceID), .text(id)])
        else { return id }
        return try row.text("name")
    }
}

/// What a backend refers to.
struct BackendReference {
    var channelID: String?
    var authorizerID: String?
}

extension APIDefinition {
    /// Every backend of the definition, those of policies included.
    mutating func forEachReference(_ change: (inout BackendReference) throws -> Void) rethrows {
        func apply(_ http: inout HTTPBackendDefinition) throws {
            var reference = BackendReference(channelID: http.channelID, authorizerID: http.authorizerID)
            try change(&reference)
            http.channelID = reference.channelID
            http.authorizerID = reference.authorizerID
        }
        func changed(_ authorizerID: String?) throws -> String? {
            var reference = BackendReference(authorizerID: authorizerID)
            try change(&reference)
            return reference.authorizerID
        }
        if var http {
            try apply(&http)
            self.http = http
        }
        if var mock {
            mock.authorizerID = try changed(mock.authorizerID)
            self.mock = mock
        }
        if var function {
            function.authorizerID = try changed(function.authorizerID)
            self.function = function
        }
        for index in httpPolicies.indices { try apply(&httpPolicies[index].backend) }
        for index in mockPolicies.indices {
            mockPolicies[index].backend.authorizerID = try changed(mockPolicies[index].backend.authorizerID)
        }
        for index in functionPolicies.indices {
            functionPolicies[index].backend.authorizerID = try changed(functionPolicies[index].backend.authorizerID)
        }
    }
}
