import GatewayModel
import Store

extension ControlPlane {
    /// Removes an application with its APIs, groups, plug-ins and live-data APIs, in one transaction.
    ///
    /// - Throws: ``OperationError``: application unknown, no right to delete it; an API is published, a plug-in attached, a
    ///   live-data API deployed, a group holds APIs of others.
    public func deleteAsset(_ call: Call, applicationID: String) async throws {
        _ = try await write(call) { w in
            try w.checkInstance(of: call)
            let application = try w.application(applicationID, of: call)
            try w.checkAccess(application, .delete, of: call)
            let own = w.owned(by: application)
            for api in try w.apis(of: application) { try w.removeAPI(api, of: call) }
            for group in try w.sql.all(APIGroup.self, where: own, order: "id") { try w.removeGroup(group) }
            for row in try w.sql.all(PluginRow.self, where: own, order: "id") { try w.removePlugin(row.model(box: w.box)) }
            for row in try w.sql.all(LivedataAPIRow.self, where: own, order: "id") { try w.removeLivedataAPI(row.api) }
            try w.removeApplication(application)
        }
    }
}
