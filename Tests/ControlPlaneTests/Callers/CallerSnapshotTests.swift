import ControlPlane
import GatewayModel
import GatewayPrimitives
import Snapshot
import Testing

/// Whatever is written about applications, the gateway knows them as a fresh start would.
@Suite struct CallerSnapshotTests {
    @Test func everyChangeOfAnApplicationIsServed() async throws {
        let gateway = try await TestGateway()
        let (plane, call) = (gateway.plane, gateway.call())
        let group = try await gateway.group("callers")
        var definition = APIDefinition.mocked("orders", "/orders", groupID: group.id)
        definition.authType = .app
        let api = try await plane.createAPI(call, definition).value.api
        _ = try await gateway.publish(api)
        let hosts = ["\(group.id).apic.localhost"]
        var seen: Set<[String]> = []
        /// - Parameter changes: whether the last write made something of the gateway that it had not been before.
        func check(_ step: String, changes: Bool = true) throws {
            let served = describe(gateway.snapshot, hosts: hosts)
            #expect(served == describe(try gateway.freshSnapshot(), hosts: hosts), "\(step)")
            #expect(seen.insert(served).inserted == changes, "\(step)")
        }
        try check("published")
        let app = try await plane.createApplication(call, ApplicationDraft(name: "app", key: "key1")).value.application
        try check("made")
        let request = AuthorizationRequest(
            environmentID: Environment.releaseID, applicationIDs: [app.id], apiIDs: [api.id], visits: [])
        let granted = try await plane.authorize(call, request).value
        try check("authorised")
        _ = try await plane.resetApplicationSecret(call, id: app.id, secret: Secret("another_secret_0001"))
        try check("another secret")
        _ = try await plane.updateApplication(call, id: app.id, ApplicationChange(name: "renamed"))
        try check("renamed")
        let code = try await plane.createAppCode(call, appID: app.id, code: nil).value.code
        try check("code")
        _ = try await plane.createAppCode(call, appID: app.id, code: Secret(String(repeating: "c", count: 64)))
        try check("second code")
        _ = try await plane.deleteAppCode(call, appID: app.id, id: code.id)
        try check("one code less")
        _ = try await plane.setAppAccessList(call, appID: app.id, kind: .permit, addresses: ["10.0.0.1"])
        try check("access list")
        _ = try await plane.setAppAccessList(call, appID: app.id, kind: .deny, addresses: ["10.0.0.1"])
        try check("another access list")
        let draft = AppQuotaDraft(name: "quota", callLimits: 5, unit: .hour, interval: 1)
        let quota = try await plane.createAppQuota(call, draft).value.quota
        try check("quota of nobody", changes: false)
        _ = try await plane.bindAppQuota(call, id: quota.id, appIDs: [app.id])
        try check("quota")
        _ = try await plane.updateAppQuota(call, id: quota.id, AppQuotaDraft(resetTime: "2026-01-01 00:00:00"))
        try check("reset time")
        let second = AppQuotaDraft(name: "second", callLimits: 6, unit: .day, interval: 1)
        let other = try await plane.createAppQuota(call, second).value.quota
        _ = try await plane.bindAppQuota(call, id: other.id, appIDs: [app.id])
        try check("moved to another quota")
        _ = try await plane.deleteAppQuota(call, id: other.id)
        try check("quota gone", changes: false)
        _ = try await plane.deleteAppAccessList(call, appID: app.id)
        try check("access list gone", changes: false)
        guard case .granted(let authorization)? = granted.first?.result else {
            Issue.record("\(granted)")
            return
        }
        #expect(authorization.apiID == api.id)
        _ = try await plane.deleteApplication(call, id: app.id)
        #expect(gateway.snapshot.callers.count == 0)
        try check("gone", changes: false)
    }
}
