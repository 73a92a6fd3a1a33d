import WireContract

/// An answer that is not a success: code of the catalogue, text and HTTP status. Everything that a
/// caller is refused with becomes one of these before it is written.
public struct Refusal: Error, Sendable, Equatable {
    public let code: ManagementErrorCode
    public let message: String
    /// HTTP status; the catalogue's, unless the operation's own page says otherwise.
    public let status: Int

    /// - Parameter values: what stands for the placeholders of the catalogue's text, in order.
    public init(_ code: ManagementErrorCode, _ values: String..., status: Int? = nil) {
        self.init(code, text: code.message(values), status: status)
    }

    public init(_ code: ManagementErrorCode, text: String, status: Int? = nil) {
        self.code = code
        self.message = text
        self.status = status ?? code.status
    }
}

/// The families of error codes, which differ by path (management-api.md, 1.3 and 1.9).
enum ErrorFamily: Sendable, CaseIterable {
    /// `APIG.*`: service integration and everything below an instance.
    case apig
    /// `APIC.*`: operations on the instance as such.
    case apic
    /// `ROMA.*`: public resources under `/v2/{project_id}/instances`.
    case roma

    init(_ operation: ContractOperation) {
        switch operation {
        case .showDetailsOfInstanceV2, .showRestrictionOfInstanceV2, .listInstancesV2, .createInstanceV2, .updateInstanceV2,
            .deleteInstancesV2, .showDetailsOfInstanceProgressV2, .listInstanceTags, .batchCreateOrDeleteInstanceTags,
            .listProjectInstanceTags, .listInstancesByTags, .showInstancesNumByTags, .listInstanceConfigsV2,
            .listAvailableZonesV2:
            self = .apic
        default: self = operation.shape.path.hasPrefix("/v2/{project_id}/instances") ? .roma : .apig
        }
    }
}
