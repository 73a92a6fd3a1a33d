import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Plug-ins and their attachments (management-api.md, 3.14).
    public mutating func addPlugins(_ plane: ControlPlane) {
        on(.createPlugin, body: Wire.PluginCreate.self) { call -> Written<Wire.CreatePluginResponse> in
            let written = try await plane.createPlugin(call.call, PluginMapping.draft(call.body))
            let names = try await plane.applicationNames([written.value.romaAppID])
            return written.map { PluginMapping.answer($0, names) }
        }
        on(.updatePlugin, body: Wire.PluginCreate.self) { call -> Written<Wire.UpdatePluginResponse> in
            let change = try PluginMapping.change(call.body)
            let written = try await plane.updatePlugin(call.call, id: call.id("plugin_id"), change)
            let names = try await plane.applicationNames([written.value.romaAppID])
            return written.map { PluginMapping.answer($0, names) }
        }
        on(.showPlugin) { call -> Wire.ShowPluginResponse in
            let plugin = try await plane.plugin(call.call, id: call.id("plugin_id"))
            return PluginMapping.answer(plugin, try await plane.applicationNames([plugin.romaAppID]))
        }
        on(.deletePlugin) { call -> Written<Void> in
            try await plane.deletePlugin(call.call, id: call.id("plugin_id"))
        }
        on(.listPlugins) { call -> Wire.ListPluginsResponse in
            let list = try await plane.plugins(call.call, try PluginMapping.filter(call), page: call.page)
            let names = try await plane.applicationNames(list.items.map(\.romaAppID))
            return Wire.ListPluginsResponse(
                size: list.items.count, total: list.total, plugins: list.items.map { PluginMapping.element($0, names) })
        }
        addAttaching(plane)
        addAttachmentLists(plane)
    }

    private mutating func addAttaching(_ plane: ControlPlane) {
        on(.attachApiToPlugin, body: Wire.PluginOperApiInfo.self) { call -> Written<Wire.AttachApiToPluginResponse> in
            try await plane.attachPlugin(
                call.call, id: call.id("plugin_id"), apiIDs: call.body.apiIds ?? [], environmentID: call.body.envId ?? ""
            ).map { Wire.AttachApiToPluginResponse(attachedPlugins: $0.map(PluginMapping.attachment)) }
        }
        on(.attachPluginToApi, body: Wire.ApiOperPluginInfo.self) { call -> Written<Wire.AttachPluginToApiResponse> in
            try await plane.attachPlugins(
                call.call, toAPI: call.id("api_id"), pluginIDs: call.body.pluginIds ?? [],
                environmentID: call.body.envId ?? ""
            ).map { Wire.AttachPluginToApiResponse(attachedPlugins: $0.map(PluginMapping.attachment)) }
        }
        on(.detachApiFromPlugin, body: Wire.PluginOperApiInfo.self) { call -> Written<Void> in
            try await plane.detachPlugin(
                call.call, id: call.id("plugin_id"), apiIDs: call.body.apiIds ?? [], environmentID: call.body.envId ?? "")
        }
        on(.detachPluginFromApi, body: Wire.ApiOperPluginInfo.self) { call -> Written<Void> in
            try await plane.detachPlugins(
                call.call, fromAPI: call.id("api_id"), pluginIDs: call.body.pluginIds ?? [],
                environmentID: call.body.envId ?? "")
        }
    }

    private mutating func addAttachmentLists(_ plane: ControlPlane) {
        on(.listPluginAttachedApis) { call -> Wire.ListPluginAttachedApisResponse in
            let list = try await plane.apis(
                call.call, withPlugin: call.id("plugin_id"), try call.publicationFilter(), page: call.page)
            return Wire.ListPluginAttachedApisResponse(
                size: list.items.count, total: list.total,
                apis: list.items.map { PluginMapping.api($0.publication, binding: $0.binding) })
        }
        on(.listPluginAttachableApis) { call -> Wire.ListPluginAttachableApisResponse in
            let list = try await plane.apis(
                call.call, withoutPlugin: call.id("plugin_id"), environmentID: try call.queryID("env_id"),
                try call.publicationFilter(), page: call.page)
            return Wire.ListPluginAttachableApisResponse(
                size: list.items.count, total: list.total, apis: list.items.map { PluginMapping.api($0, binding: nil) })
        }
        on(.listApiAttachedPlugins) { call -> Wire.ListApiAttachedPluginsResponse in
            let list = try await plane.plugins(
                call.call, attachedTo: call.id("api_id"), environmentID: try call.filterID("env_id"),
                environmentName: try call.filterName("env_name"), try PluginMapping.filter(call), page: call.page)
            return Wire.ListApiAttachedPluginsResponse(
                size: list.items.count, total: list.total, plugins: list.items.map(PluginMapping.attached))
        }
        on(.listApiAttachablePlugins) { call -> Wire.ListApiAttachablePluginsResponse in
            let list = try await plane.plugins(
                call.call, attachableTo: call.id("api_id"), environmentID: try call.queryID("env_id"),
                try PluginMapping.filter(call), page: call.page)
            let names = try await plane.applicationNames(list.items.map(\.romaAppID))
            return Wire.ListApiAttachablePluginsResponse(
                size: list.items.count, total: list.total, plugins: list.items.map { PluginMapping.element($0, names) })
        }
    }
}
