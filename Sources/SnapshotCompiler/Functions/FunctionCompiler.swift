import GatewayModel
import Snapshot

/// Functions that definitions name -> where they are run.
struct FunctionCompiler {
    let functions: FunctionRegistry

    /// - Parameters:
    ///   - field: wire name of the field that names the function.
    ///   - resource: what the field belongs to.
    func target(
        _ function: FunctionReference, field: String, resource: String
    ) throws(CompileDiagnostic) -> FunctionTarget {
        guard let endpoint = functions.endpoint(of: function) else {
            throw CompileDiagnostic(
                field: field, reason: "the settings know no function \(function.aliasURN ?? function.urn)", resource: resource)
        }
        guard let (host, port) = BackendCompiler.split(endpoint.address, defaultPort: endpoint.usesTLS ? 443 : 80) else {
            throw CompileDiagnostic(field: field, reason: "the function's URL in the settings has no host[:port]", resource: resource)
        }
        return FunctionTarget(
            upstream: Upstream(usesTLS: endpoint.usesTLS, host: host, port: port), hostHeader: Array(endpoint.address.utf8),
            path: Array(endpoint.path.utf8),
            urn: function.aliasURN ?? function.version.map { "\(function.urn):\($0)" } ?? function.urn)
    }
}
