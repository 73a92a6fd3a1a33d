import GatewayModel
import WireContract

extension Role {
    /// Whether the role has been granted the action.
    ///
    /// - Parameter action: nil for an operation that ``OperationActions`` does not know: the administrator's alone.
    public func may(_ action: Action?) -> Bool {
        switch self {
        case .administrator: true
        case .operator: action != nil
        case .reader: action?.isRead == true
        case .none: false
        }
    }

    /// Whether answers that show secrets in the clear show them to this role; masked otherwise.
    public var seesSecrets: Bool {
        switch self {
        case .administrator, .operator: true
        case .reader, .none: false
        }
    }
}
