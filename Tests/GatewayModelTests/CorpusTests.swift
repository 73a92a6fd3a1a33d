import Foundation
import GatewayModel
import Testing

/// Replays Fuzz/Corpora/plugin-content.
@Suite struct CorpusTests {
    static let files: [URL] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Fuzz/Corpora/plugin-content")
        return ((try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []).sorted { $0.path < $1.path }
    }()

    @Test func isThere() { #expect(Self.files.count >= 20) }

    @Test(arguments: files)
    func readsOrRefuses(file: URL) throws {
        let content = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        let name = file.deletingPathExtension().lastPathComponent
        for type in PluginType.allCases {
            let fits = (try? PluginContent(parsing: content, type: type)) != nil
            if name.hasPrefix("valid-\(type.rawValue)-") { #expect(fits) }
            if name.hasPrefix("hostile-") { #expect(!fits, "\(type)") }
        }
    }
}
