import ControlPlane
import Foundation
import GatewayModel
import NIOCore
import WireContract
import ZipArchives

/// The directory of an archive of assets (docs/dictionaries-and-assets.md).
struct AssetManifest: Codable, Sendable {
    static let name = "assets.json"
    static let format = "gatehouse-assets"
    static let version = 1

    var format: String
    var version: Int
    /// Names of files, one for each application.
    var applications: [String]
}

/// One application in an archive: bodies as the operations that make such objects take them, with the ids of the instance
/// that made the archive.
struct AssetFile: Codable, Sendable {
    struct Group: Codable, Sendable {
        var id: String
        var name: String
        var remark: String?
    }

    struct Livedata: Codable, Sendable {
        var definition: Wire.LdApiCreate
        var scripts: Wire.LdApiScriptCreate
    }

    struct Reference: Codable, Sendable {
        var kind: AssetReference.Kind
        var name: String
    }

    var application: Wire.CreateAppReq
    var groups: [Group]
    var plugins: [Wire.PluginCreate]
    var apis: [Wire.ApiCreate]
    var livedataAPIs: [Livedata]
    var references: [String: Reference]

    enum CodingKeys: String, CodingKey {
        case application, groups, plugins, apis, references
        case livedataAPIs = "livedata_apis"
    }

    /// Why an archive is not taken: the part at fault and what is wrong with it.
    struct Fault: Error {
        let part: String
        let reason: any Error
    }
}

// MARK: writing

extension AssetFile {
    init(_ contents: AssetContents, answers: APIAnswers) throws {
        application = Wire.CreateAppReq(name: contents.application.name, remark: contents.application.remark)
        groups = contents.groups.map { Group(id: $0.id, name: $0.name, remark: $0.remark) }
        plugins = contents.plugins.map {
            Wire.PluginCreate(
                pluginName: $0.name, pluginType: $0.type.rawValue, pluginScope: $0.scope, pluginContent: $0.content,
                remark: $0.remark)
        }
        // What reading an API shows is what making one takes; the rest of an answer is left out by the smaller type.
        apis = try contents.apis.map { view in
            let data = try JSONEncoder().encode(answers.details(view, .read))
            var wire = try JSONDecoder().decode(Wire.ApiCreate.self, from: data)
            wire.romaAppId = nil
            // Responses of groups are no assets.
            wire.responseId = nil
            return wire
        }
        livedataAPIs = try contents.livedataAPIs.map { view in
            let data = try JSONEncoder().encode(LivedataMapping.answer(view))
            var definition = try JSONDecoder().decode(Wire.LdApiCreate.self, from: data)
            definition.romaAppId = nil
            let scripts = view.api.scripts.map { Wire.LdApiScriptBase(objectName: $0.objectName, content: $0.content) }
            return Livedata(
                definition: definition,
                scripts: Wire.LdApiScriptCreate(apiType: scripts.isEmpty ? nil : "function", scripts: scripts))
        }
        references = contents.references.mapValues { Reference(kind: $0.kind, name: $0.name) }
    }

    /// An archive of applications, each in a file of its own. nil when it would be too large.
    static func archive(_ files: [AssetFile]) throws -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        let names = files.indices.map { "applications/\($0 + 1).json" }
        let manifest = AssetManifest(format: AssetManifest.format, version: AssetManifest.version, applications: names)
        var entries = [ZipEntry(name: AssetManifest.name, bytes: Array(try encoder.encode(manifest)))]
        for (name, file) in zip(names, files) { entries.append(ZipEntry(name: name, bytes: Array(try encoder.encode(file)))) }
        guard entries.allSatisfy({ $0.bytes.count <= limits.entryBytes }),
            entries.reduce(0, { $0 + $1.bytes.count }) <= limits.totalBytes, let archive = ZipWriter.archive(entries),
            archive.count <= limits.archiveBytes
        else { return nil }
        return archive
    }
}

// MARK: reading

extension AssetFile {
    /// What an import takes, and so what an export makes: the archive fits into a body.
    static let limits = ZipLimits(
        archiveBytes: 11 * 1024 * 1024, entries: ControlPlane.assetLimit + 1, entryBytes: 32 * 1024 * 1024,
        totalBytes: 64 * 1024 * 1024)

    /// The applications of an archive, by file, in the order of its manifest.
    ///
    /// - Throws: `ZipFault`; `Fault` for a manifest of another kind.
    static func files(_ archive: [UInt8]) throws -> [(name: String, bytes: [UInt8])] {
        let entries = try ZipReader.read(archive, limits: limits)
        func bytes(_ name: String) throws -> [UInt8] {
            guard let entry = entries.first(where: { $0.name == name }) else {
                throw Fault(part: name, reason: OperationError.missing(field: name))
            }
            return entry.bytes
        }
        let manifest: AssetManifest = try decode(bytes(AssetManifest.name), AssetManifest.name)
        guard manifest.format == AssetManifest.format, manifest.version == AssetManifest.version,
            (1...ControlPlane.assetLimit).contains(manifest.applications.count),
            Set(manifest.applications).count == manifest.applications.count
        else { throw Fault(part: AssetManifest.name, reason: OperationError.invalid(field: AssetManifest.name)) }
        return try manifest.applications.map { ($0, try bytes($0)) }
    }

    static func decode<Value: Decodable>(_ bytes: [UInt8], _ part: String) throws(Fault) -> Value {
        do {
            return try JSONBody.decode(Value.self, from: ByteBuffer(bytes: bytes))
        } catch {
            throw Fault(part: part, reason: error)
        }
    }

    /// Checked as the operations check their bodies.
    ///
    /// - Throws: ``Fault``.
    func draft() throws(Fault) -> AssetDraft {
        try Self.check("application") { try Self.checkFields(application) }
        return AssetDraft(
            application: ApplicationDraft(name: application.name ?? "", remark: application.remark ?? ""),
            groups: try Self.each(groups, name: { $0.name }) { group in
                guard ManagementResponder.isID(group.id) else { throw OperationError.invalid(field: "id") }
                let wire = Wire.ApiGroupCreate(name: group.name, remark: group.remark)
                try Self.checkFields(wire)
                return (group.id, try APIGroupMapping.draft(wire))
            },
            plugins: try Self.each(plugins, name: { $0.pluginName }) { plugin in
                var plugin = plugin
                // Stands for the application that is about to be made.
                if plugin.pluginScope == "app" { plugin.romaAppId = "application" }
                try Self.checkFields(plugin)
                return try PluginMapping.draft(plugin)
            },
            apis: try Self.each(apis, name: { $0.name }) { api in
                try Self.checkFields(api)
                return try APIMapping.definition(api)
            },
            livedataAPIs: try Self.each(livedataAPIs, name: { $0.definition.name }) { livedata in
                var definition = livedata.definition
                definition.romaAppId = "application"
                try Self.checkFields(definition)
                try Self.checkFields(livedata.scripts)
                return AssetDraft.Livedata(
                    draft: try LivedataMapping.draft(definition), scripts: try LivedataMapping.scripts(livedata.scripts))
            },
            references: references.mapValues { AssetReference(kind: $0.kind, name: $0.name) })
    }

    private static func checkFields(_ body: some FieldChecked) throws {
        if let violation = body.violations(requiring: true).first { throw FieldErrorCodes.refusal(.importAsset, violation) }
    }

    private static func check<Value>(_ part: String, _ body: () throws -> Value) throws(Fault) -> Value {
        do {
            return try body()
        } catch {
            throw Fault(part: part, reason: error)
        }
    }

    private static func each<Part, Made>(
        _ parts: [Part], name: (Part) -> String?, _ make: (Part) throws -> Made
    ) throws(Fault) -> [Made] {
        var made: [Made] = []
        for part in parts { made.append(try check(name(part) ?? "") { try make(part) }) }
        return made
    }
}
