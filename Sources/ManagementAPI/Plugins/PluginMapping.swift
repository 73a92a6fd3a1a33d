import ControlPlane
import GatewayModel
import WireContract

/// Between the contract's shapes and the model's. Times of plug-ins are in milliseconds (management-api.md, 1.7).
enum PluginMapping {
    static func draft(_ body: Wire.PluginCreate) throws -> PluginDraft {
        PluginDraft(
            name: body.pluginName ?? "", type: try WireWord.need(body.pluginType, field: "plugin_type"),
            scope: body.pluginScope ?? "", content: body.pluginContent ?? "", remark: body.remark ?? "",
            romaAppID: body.romaAppId ?? "")
    }

    static func change(_ body: Wire.PluginCreate) throws -> PluginChange {
        PluginChange(
            name: body.pluginName, type: try WireWord.read(body.pluginType, field: "plugin_type"), scope: body.pluginScope,
            content: body.pluginContent, remark: body.remark)
    }

    static func filter(_ call: OperationCall<NoBody>) throws -> PluginFilter {
        PluginFilter(
            id: try call.filterID("plugin_id"), name: try call.filterName("plugin_name"),
            namePrecisely: call.query.isPrecise("plugin_name"), type: call.query.text("plugin_type"),
            scope: call.query.text("plugin_scope"), romaAppID: try call.filterID("roma_app_id"),
            romaAppName: try call.filterName("roma_app_name"))
    }

    /// - Parameter names: of applications by id.
    static func answer(_ plugin: Plugin, _ names: [String: String]) -> Wire.CreatePluginResponse {
        Wire.CreatePluginResponse(
            pluginId: plugin.id, pluginName: plugin.name, pluginType: plugin.type.rawValue, pluginScope: plugin.scope,
            pluginContent: plugin.content, remark: plugin.remark, createTime: plugin.createdAt.inMilliseconds,
            updateTime: plugin.updatedAt.inMilliseconds, romaAppId: plugin.romaAppID.nonEmpty, romaAppName: names[plugin.romaAppID])
    }

    static func element(_ plugin: Plugin, _ names: [String: String]) -> Wire.PluginInfo {
        Wire.PluginInfo(
            pluginId: plugin.id, pluginName: plugin.name, pluginType: plugin.type.rawValue, pluginScope: plugin.scope,
            pluginContent: plugin.content, remark: plugin.remark, createTime: plugin.createdAt.inMilliseconds,
            updateTime: plugin.updatedAt.inMilliseconds, romaAppId: plugin.romaAppID.nonEmpty, romaAppName: names[plugin.romaAppID])
    }

    static func attachment(_ attached: AttachedPlugin) -> Wire.PluginApiAttachInfo {
        let plugin = attached.plugin
        let publication = attached.publication
        return Wire.PluginApiAttachInfo(
            pluginAttachId: attached.binding.id, pluginId: plugin.id, pluginName: plugin.name,
            pluginType: plugin.type.rawValue, pluginScope: plugin.scope, envId: publication.environmentID,
            envName: publication.environmentName, apiId: publication.apiID, apiName: publication.apiName,
            attachedTime: attached.binding.boundAt.inMilliseconds)
    }

    static func attached(_ attached: AttachedPlugin) -> Wire.AttachedPluginInfo {
        let plugin = attached.plugin
        return Wire.AttachedPluginInfo(
            pluginAttachId: attached.binding.id, pluginId: plugin.id, pluginName: plugin.name,
            pluginType: plugin.type.rawValue, pluginScope: plugin.scope, envId: attached.publication.environmentID,
            envName: attached.publication.environmentName, attachedTime: attached.binding.boundAt.inMilliseconds,
            pluginContent: plugin.content, remark: plugin.remark, createTime: plugin.createdAt.inMilliseconds,
            updateTime: plugin.updatedAt.inMilliseconds)
    }

    static func api(_ publication: PublicationView, binding: PluginBinding?) -> Wire.PluginApiInfo {
        Wire.PluginApiInfo(
            apiId: publication.apiID, apiName: publication.apiName, type: publication.apiType,
            reqProtocol: publication.requestProtocol, reqMethod: publication.method, reqUri: publication.uri,
            authType: publication.authType, matchMode: publication.matchMode, remark: publication.apiRemark,
            groupId: publication.groupID, groupName: publication.groupName, romaAppId: publication.romaAppID.nonEmpty,
            envId: publication.environmentID, envName: publication.environmentName, publishId: publication.publicationID,
            pluginAttachId: binding?.id, attachedTime: binding?.boundAt.inMilliseconds)
    }
}

extension String {
    fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
