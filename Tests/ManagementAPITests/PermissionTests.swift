import ControlPlane
import GatewayModel
import GatewayPrimitives
import HTTPTypes
import Testing
import WireContract

@testable import ManagementAPI

@Suite("Permissions")
struct PermissionTests {
    /// They show and change what every other operation does.
    private static let administratorsAlone: Set<ContractOperation> = [
        .exportAuditRecords, .listAuditRecords, .listHistory, .restoreHistory, .showHistoryDiff, .verifyAuditRecords,
    ]

    @Test("the past is the administrator's alone", arguments: administratorsAlone)
    func past(operation: ContractOperation) { #expect(OperationActions.action(of: operation) == nil) }

    @Test("every other operation has an action", arguments: Set(ContractOperation.allCases).subtracting(administratorsAlone))
    func everyOperation(operation: ContractOperation) throws {
        let action = try #require(OperationActions.action(of: operation), "\(operation.rawValue) \(operation.shape.path)")
        // What changes things is never granted to readers, whatever its family.
        let changes = operation.shape.method != .get && !operation.shape.path.contains("/resource-instances/")
        if changes { #expect(!action.isRead, "\(operation.rawValue) \(action.rawValue)") }
        #expect(Role.administrator.may(action) && Role.operator.may(action) && !Role.none.may(action))
    }

    @Test("readers may call every GET but those that hand out secrets")
    func readers() {
        let kept = Self.administratorsAlone.union([.checkRomaAppSecret, .downloadAssetArchive])
        for operation in ContractOperation.allCases where operation.shape.method == .get {
            let may = Role.reader.may(OperationActions.action(of: operation))
            #expect(may == !kept.contains(operation), "\(operation.rawValue)")
        }
    }

    @Test("what no table knows is the administrator's alone")
    func unknown() {
        #expect(Role.administrator.may(nil) && !Role.operator.may(nil) && !Role.reader.may(nil) && !Role.none.may(nil))
    }

    @Test("actions have the vendor's names", arguments: [
        (ContractOperation.createSignatureKeyV2, "signs:create"), (.updateSignatureKeyV2, "signs:create"),
        (.deleteSignatureKeyV2, "signs:delete"), (.listSignatureKeysV2, "signs:list"),
        (.associateSignatureKeyV2, "apis:bindSigns"), (.disassociateSignatureKeyV2, "apis:unbindSigns"),
        (.listSignatureKeysBindedToApiV2, "apis:listBindedSigns"),
        (.listRequestThrottlingPoliciesBindedToApiV2, "apis:listBindedTrottles"),
        (.createPlugin, "apis:create"), (.deletePlugin, "apis:delete"), (.showPlugin, "apis:get"),
        (.attachApiToPlugin, "apis:create"), (.createAppCodeV2, "apps:create"), (.deleteAppQuota, "apps:delete"),
        (.showDetailsOfAppCodeV2, "apps:get"), (.associateDomainV2, "domains:create"), (.updateDomainV2, "domains:create"),
        (.associateCertificateV2, "domains:bindCertificate"), (.showDetailsOfCertificateV2, "domains:getCertificate"),
        (.createCertificateV2, "domains:bindCertificate"), (.createOrDeletePublishRecordForApiV2, "apis:publish"),
        (.addingBackendInstancesV2, "vpcChannels:addInstance"), (.deleteBackendInstanceV2, "vpcChannels:deleteInstance"),
        (.updateVpcChannelV2, "vpcChannels:update"), (.listVpcChannelsV2, "vpcs:list"),
        (.listProjectVpcChannelsV2, "vpcs:list"), (.createFeatureV2, "features:create"), (.listTagsV2, "tags:list"),
        (.showDetailsOfInstanceV2, "instances:get"), (.checkRomaInstanceListV2, "roma:instances:list"),
        (.createRomaApp, "roma:applications:create"), (.addUserToApp, "roma:applications:user"),
        (.exportAsset, "roma:assets:export"), (.updateSpecialThrottlingConfigurationV2, "specialThrottles:create"),
        (.createDictionary, "roma:instances:update"), (.listStatisticsApi, "instances:get"),
    ])
    func names(operation: ContractOperation, name: String) {
        #expect(OperationActions.action(of: operation)?.rawValue == name)
    }

    @Test("a reader sees masks where others see secrets")
    func secrets() async throws {
        let secret = Secret("clear_secret_0001")
        for role in Role.allCases {
            let head = CallHead(
                operation: .listSignatureKeysV2, alias: .apic,
                caller: Caller(
                    user: User(id: "u", domainID: "d", name: "n", role: role, createdAt: Timestamp(nanoseconds: 0)),
                    domain: Domain(id: "d", name: "d"), project: nil),
                projectID: "p", instanceID: "i", query: .none, requestID: "r", source: "s", pathValues: [:], expectation: nil)
            #expect(head.shown(secret) == (role == .administrator || role == .operator ? "clear_secret_0001" : "cle**********001"))
        }
    }

    @Test("the port refuses by role, in each family's words")
    func port() async throws {
        let port = try await Port(families: true)
        _ = try await port.directory.addUser(
            "spectator", password: Secret("a long enough password 1!"), role: .reader,
            call: Call(actor: "system", userID: "", source: "", requestID: "", projectID: "", instanceID: ""))
        let token: HTTPFields = [
            .authToken: try await port.token("spectator", "a long enough password 1!"), .contentType: "application/json"]
        #expect(try await port.send(.get, port.path("/signs"), token).status == 200)
        let refused = try await port.send(.post, port.path("/signs"), token, body: #"{"name":"sign_1"}"#)
        #expect(refused.status == 403 && refused.code == "APIG.1005")
    }
}
