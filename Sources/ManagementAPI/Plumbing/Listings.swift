import ControlPlane
import Store
import WireContract

extension OperationCall {
    /// A mandatory query parameter that is an id: that it is there has been checked, its form is checked here.
    func queryID(_ name: String) throws -> String {
        guard let id = try filterID(name) else {
            throw FieldErrorCodes.refusal(head.operation, field: name, rule: .missing)
        }
        return id
    }

    /// A query parameter that is an id; nil when absent.
    func filterID(_ name: String) throws -> String? {
        guard let id = head.query.text(name) else { return nil }
        guard ManagementResponder.isID(id) else { throw FieldErrorCodes.malformed(head.operation, parameter: name) }
        return id
    }

    /// A query parameter that is a name or a part of one; nil when absent.
    func filterName(_ name: String) throws -> String? {
        guard let text = head.query.text(name) else { return nil }
        guard QueryValues.isNamePart(text) else {
            throw FieldErrorCodes.malformed(head.operation, parameter: name)
        }
        return text
    }

    /// The filters that lists of published APIs share, as far as the operation has them.
    func publicationFilter() throws -> PublicationFilter {
        PublicationFilter(
            apiID: try filterID("api_id"), apiName: try filterName("api_name"), groupID: try filterID("group_id"),
            environmentID: try filterID("env_id"), method: head.query.text("req_method"), uri: try filterName("req_uri"))
    }

    /// Element of a batch that failed: code and text as the operation on the single object would give them.
    func refusal(_ reason: OperationError) -> Refusal {
        ErrorMapping.refusal(reason, operation: head.operation, alias: head.alias, instanceID: head.instanceID)
    }
}
