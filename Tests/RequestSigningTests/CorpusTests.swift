import Foundation
import GatewayPrimitives
import RequestSigning
import Testing

/// Replays Fuzz/Corpora/canonical-request.
@Suite struct CorpusTests {
    static let files: [URL] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Fuzz/Corpora/canonical-request")
        return ((try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []).sorted { $0.path < $1.path }
    }()

    @Test func isThere() { #expect(Self.files.count >= 16) }

    @Test(arguments: files)
    func whatIsSignedIsAccepted(file: URL) throws {
        let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let signer = BackendSigner.hmac(key: "k", secret: Secret("secret-secret-secret"))
        let scratch = SigningScratch()
        let bytes = Array((parts[0] + parts[1]).utf8)
        let authorization = try bytes.withUnsafeBytes { bytes in
            let view = ByteView(bytes)
            let request = UnsignedRequest(
                method: ByteView("GET"), path: view.slice(0, parts[0].utf8.count), query: view.dropFirst(parts[0].utf8.count),
                host: ByteView("h"), payload: .empty)
            return try signer.sign(request, at: vectorSeconds, scratch: scratch).authorization.string
        }
        let headers = ["host": "h", "x-sdk-date": "20240102T030405Z"]
        #expect(verify(authorization, path: parts[0], query: parts[1], headers: headers, secret: "secret-secret-secret") == .valid(accessKey: "k"))
        #expect(verify(authorization, path: parts[0] + "/x", query: parts[1], headers: headers, secret: "secret-secret-secret") == .mismatch(accessKey: "k"))
        #expect(verify(authorization, path: parts[0], query: parts[1] + "&zz=1", headers: headers, secret: "secret-secret-secret") == .mismatch(accessKey: "k"))
    }
}
