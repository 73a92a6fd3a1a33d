import ControlPlane
import Logging
import Store
import Testing
import WireContract

@testable import ManagementAPI

@Suite("Errors as answers")
struct ErrorMappingTests {
    private func map(_ error: any Error, _ operation: ContractOperation = .updateSignatureKeyV2, _ alias: PathAlias = .apic) -> Refusal {
        ErrorMapping.refusal(error, operation: operation, alias: alias, instanceID: "i")
    }

    private func check(_ refusal: Refusal) {
        #expect((400..<600).contains(refusal.status), "\(refusal)")
        #expect(!refusal.message.isEmpty && !refusal.message.contains("<"), "\(refusal)")
    }

    @Test("every failure of the plumbing has status and text in every family")
    func failures() {
        for failure in ManagementFailure.allCases {
            for family in ErrorFamily.allCases { check(failure.refusal(family)) }
            let keystone = IdentityErrors.failure(failure).error
            #expect((400..<600).contains(keystone.code) && !keystone.message.isEmpty && !keystone.title.isEmpty)
        }
    }

    @Test("every kind and conflict has status and text")
    func operationErrors() {
        for kind in ResourceKind.allCases {
            check(map(OperationError.notFound(kind, id: "x")))
            check(map(OperationError.taken(kind, name: "x")))
            check(map(OperationError.quotaExceeded(kind, limit: 1)))
        }
        let conflicts: [StateConflict] = [
            .groupHoldsAPIs(id: "x"), .groupIsDefault, .apiIsPublished, .apiNotPublished(id: "x"), .environmentHoldsPublications,
            .environmentIsPreset, .accessPolicyIsBound, .pluginIsAttached, .apiPathTaken(name: "x"),
            .pluginPathConflict(reason: "x"), .lastAdministrator, .featureChangedTooSoon, .featureNotSupported,
            .livedataIsDeployed, .livedataNotDeployed, .livedataHasNoScript,
        ]
        for conflict in conflicts { check(map(OperationError.conflict(conflict))) }
        let stores: [StoreError] = [
            .notUnique(detail: "d"), .referenced(detail: "d"), .readOnly(detail: "d"), .busy(detail: "d"), .malformed("d"),
            .failed(detail: "d"),
        ]
        for store in stores { #expect(!map(OperationError.store(store)).message.contains("d<")) }
    }

    @Test("texts of the pages", arguments: [
        (OperationError.notFound(.signatureKey, id: "0b0e"), 404, "APIG.3017", "Signature key 0b0e does not exist"),
        (.notFound(.signatureBinding, id: "b"), 404, "APIG.3018", "The signature key binding record does not exist"),
        (.notFound(.plugin, id: "b2"), 404, "APIG.3068", "Plugin b2 does not exist"),
        (.notFound(.instance, id: "f0"), 404, "APIG.3030", "The instance does not exist;id:f0"),
        (.signTypeNotSupported(type: "public_key", instanceID: "6a"), 412, "APIG.3548", "sign_type=public_key not supported by instance 6a"),
        (.invalid(field: "name"), 400, "APIG.2011", "Invalid parameter value,parameterName:name. Please refer to the support documentation"),
        (.store(.failed(detail: "SELECT secret")), 500, "APIG.9999", "System error"),
        (.forbidden, 403, "APIG.1005", "No permissions to request this method"),
    ])
    func texts(error: OperationError, status: Int, code: String, text: String) {
        let refusal = map(error)
        #expect(refusal.status == status)
        #expect(refusal.code.rawValue == code)
        #expect(refusal.message == text)
    }

    @Test("2011 or 2012, 2001 and the ranges are the operation's choice")
    func fieldCodes() {
        func code(_ operation: ContractOperation, _ field: String, _ rule: FieldViolation.Rule) -> String {
            FieldErrorCodes.refusal(operation, field: field, rule: rule).code.rawValue
        }
        #expect(code(.updateSignatureKeyV2, "name", .missing) == "APIG.2011")
        #expect(code(.createSignatureKeyV2, "name", .missing) == "APIG.2001")
        #expect(code(.createSignatureKeyV2, "name", .pattern) == "APIG.2011")
        #expect(code(.createApiGroupV2, "name", .pattern) == "APIG.2011")
        #expect(code(.updateApiGroupV2, "name", .pattern) == "APIG.2012")
        #expect(code(.createPlugin, "plugin_name", .pattern) == "APIG.2012")
        #expect(code(.createSpecialThrottlingConfigurationV2, "call_limits", .tooLarge) == "APIG.2003")
        #expect(code(.createRomaApp, "name", .pattern) == "ROMA.00013000")
        #expect(FieldErrorCodes.refusal(.createVpcChannelV2, field: "members", rule: .missing).message
            == "The request parameters must be specified, parameter name:members")
        #expect(FieldErrorCodes.malformed(.disassociateSignatureKeyV2, parameter: FieldErrorCodes.pathName("sign_bindings_id"))
            == Refusal(.apig2012, "id"))
        #expect(FieldErrorCodes.malformed(.deleteApiAclBindingV2, parameter: FieldErrorCodes.pathName("acl_bindings_id"))
            == Refusal(.apig2011, "id"))
    }

    @Test("deleting a published API has one code each for the two paths")
    func aliases() {
        #expect(map(OperationError.conflict(.apiIsPublished), .deleteApiV2, .apic).code == .apig4016)
        #expect(map(OperationError.conflict(.apiIsPublished), .deleteApiV2, .apigw).code == .apig3416)
    }

    @Test("operations on the instance as such speak another family")
    func families() {
        #expect(map(ManagementFailure.unknownInstance(id: "i"), .showDetailsOfInstanceV2) == Refusal(.apic7302))
        #expect(map(ManagementFailure.noCredentials, .showDetailsOfInstanceV2).code == .apic7100)
        #expect(map(ManagementFailure.otherProject, .listFeaturesV2).code == .apig1005)
        #expect(map(ManagementFailure.unknownInstance(id: "i"), .listRomaApp).code == .roma00110006)
        #expect(map(ManagementFailure.notPermitted, .listRomaApp).status == 403)
    }
}
