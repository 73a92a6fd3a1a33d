import ControlPlane
import WireContract

/// The one object that an operation is about, for `ETag` and `If-Match`.
///
/// It follows from the path: the last parameter names the object; answers of operations whose path ends there show it. A
/// POST to a collection whose members can be read or changed by their id makes such an object.
struct OperationSubject: Sendable, Equatable {
    enum Answer: Sendable, Equatable {
        /// The answer is not the object: no tag.
        case other
        /// The object that the path names.
        case subject
        /// A new object.
        case made
    }

    /// The object that the path names.
    let kind: ResourceKind?
    /// The path parameter with its id.
    let parameter: String?
    let answer: Answer

    private static let all: [ContractOperation: OperationSubject] = {
        let shapes = ContractOperation.allCases.map(\.shape)
        // Collections whose members have an address.
        let collections = Set(
            shapes.filter { ($0.method == .get || $0.method == .put) && $0.path.hasSuffix("}") && !isAction($0) }
                .map { String($0.path[..<($0.path.lastIndex(of: "/") ?? $0.path.startIndex)]) })
        return Dictionary(uniqueKeysWithValues: shapes.map { ($0.operation, OperationSubject($0, collections)) })
    }()

    static func of(_ operation: ContractOperation) -> OperationSubject {
        all[operation] ?? OperationSubject(kind: nil, parameter: nil, answer: .other)
    }

    private init(kind: ResourceKind?, parameter: String?, answer: Answer) {
        self.kind = kind
        self.parameter = parameter
        self.answer = answer
    }

    private init(_ shape: OperationShape, _ collections: Set<String>) {
        let segments = shape.path.split(separator: "/").map(String.init)
        var kind: ResourceKind?
        var parameter: String?
        for (position, segment) in segments.enumerated().dropFirst(2) where segment.hasPrefix("{") {
            let name = String(segment.dropFirst().dropLast())
            // An instance is the subject where the path ends with it, not of everything below it.
            if name == "instance_id", position < segments.count - 1 { continue }
            kind = Self.kind(segments[position - 1], name)
            parameter = name
        }
        self.kind = kind
        self.parameter = kind == nil ? nil : parameter
        switch shape.method {
        case .get, .put: answer = kind != nil && (shape.path.hasSuffix("}") || Self.showsParent(shape)) && !Self.isAction(shape) ? .subject : .other
        case .post: answer = collections.contains(shape.path) ? .made : .other
        case .delete: answer = .other
        }
    }

    /// Below the object and answered with the object itself.
    private static func showsParent(_ shape: OperationShape) -> Bool {
        shape.operation == .updateHealthCheck || shape.operation == .resetRomaAppSecret
    }

    /// Ends with an id, and shows something else: versions of an API, and what is frozen of it.
    private static func isAction(_ shape: OperationShape) -> Bool {
        switch shape.operation {
        case .listApiVersionsV2, .changeApiVersionV2, .listApiRuntimeDefinitionV2: true
        default: false
        }
    }

    /// - Parameters:
    ///   - collection: the segment before the parameter.
    ///   - parameter: its name.
    /// - Returns: nil for what has no change records: jobs, archives, tasks.
    private static func kind(_ collection: String, _ parameter: String) -> ResourceKind? {
        switch parameter {
        case "instance_id": .instance
        case "group_id": .apiGroup
        case "api_id": .api
        case "version_id": .apiVersion
        case "env_id": .environment
        case "env_variable_id": .environmentVariable
        case "sign_id": .signatureKey
        case "sign_bindings_id": .signatureBinding
        case "acl_id": .accessPolicy
        case "acl_bindings_id": .accessBinding
        case "plugin_id": .plugin
        case "throttle_id": .throttle
        case "throttle_binding_id": .throttleBinding
        case "strategy_id": .throttleSpecial
        case "domain_id": .domain
        case "certificate_id": .certificate
        case "app_id": collection == "bound-apps" ? .appQuotaBinding : .integrationApplication
        case "app_auth_id": .appAuthorization
        case "app_code_id": .appCode
        case "app_config_id": .appConfig
        case "app_quota_id": .appQuota
        case "authorizer_id": .authorizer
        case "orchestration_id": .orchestration
        case "response_id": .groupResponse
        case "vpc_channel_id": .vpcChannel
        case "member_group_id": .memberGroup
        case "member_id": .member
        case "ld_api_id": .livedataAPI
        case "dict_id": .dictionary
        default: nil
        }
    }
}
