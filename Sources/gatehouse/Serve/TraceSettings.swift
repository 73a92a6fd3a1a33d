import Foundation
import TraceExport

/// `tracing` of the settings file: which traces are recorded, and who gets them (docs/tracing.md).
struct TraceSettings: Sendable, Equatable {
    var endpoint: TraceEndpoint
    /// Of the traces that begin here.
    var ratio = 1.0
    var queueSpans = 20_000
    /// Certificates in PEM that the receiver's one must come from; nil: those that the system trusts.
    var authorities: String?

    /// - Throws: ``PlainFailure`` that names file and setting.
    init(_ file: TraceSettingsFile, _ path: String) throws {
        guard let url = URLComponents(string: file.endpoint), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = url.host, !host.isEmpty, url.user == nil, url.query == nil, url.fragment == nil,
            (1...65_535).contains(url.port ?? 1), url.percentEncodedPath.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw PlainFailure("\(path): tracing.endpoint is no http:// or https:// URL") }
        let headers = (file.headers ?? [:]).sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
        let reserved = ["host", "content-length", "content-type", "connection", "transfer-encoding"]
        for header in headers {
            let isName = !header.name.isEmpty && header.name.utf8.allSatisfy { byte in
                byte >= 0x30 && byte <= 0x39 || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte == 0x2D || byte == 0x5F
            }
            guard isName, !reserved.contains(header.name.lowercased()), header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw PlainFailure("\(path): tracing.headers: \(header.name) cannot be sent")
            }
        }
        let isTLS = scheme == "https"
        if let value = file.authorities {
            guard isTLS else { throw PlainFailure("\(path): tracing.authorities is for an https:// endpoint") }
            authorities = value
        }
        endpoint = TraceEndpoint(
            usesTLS: isTLS, host: host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host, port: url.port ?? (isTLS ? 443 : 80),
            path: ["", "/"].contains(url.percentEncodedPath) ? "/v1/traces" : url.percentEncodedPath,
            serviceName: file.serviceName ?? "gatehouse", headers: headers)
        if let value = file.ratio {
            guard (0...1).contains(value) else { throw PlainFailure("\(path): tracing.ratio is outside 0 to 1") }
            ratio = value
        }
        if let value = file.queueSpans {
            guard (1...1_000_000).contains(value) else { throw PlainFailure("\(path): tracing.queue_spans is outside 1 to 1000000") }
            queueSpans = value
        }
        guard (1...255).contains(endpoint.serviceName.utf8.count) else {
            throw PlainFailure("\(path): tracing.service_name is outside 1 to 255 characters")
        }
    }
}

/// As written in the file.
struct TraceSettingsFile: Decodable {
    let endpoint: String
    let serviceName: String?
    let ratio: Double?
    let queueSpans: Int?
    let headers: [String: String]?
    let authorities: String?

    private enum CodingKeys: String, CodingKey {
        case endpoint, ratio, headers, authorities
        case serviceName = "service_name"
        case queueSpans = "queue_spans"
    }

    private struct AnyName: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        for name in try decoder.container(keyedBy: AnyName.self).allKeys where CodingKeys(rawValue: name.stringValue) == nil {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "unknown setting tracing.\(name.stringValue)"))
        }
        let values = try decoder.container(keyedBy: CodingKeys.self)
        guard let endpoint = try values.decodeIfPresent(String.self, forKey: .endpoint) else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "tracing has no endpoint"))
        }
        self.endpoint = endpoint
        serviceName = try values.decodeIfPresent(String.self, forKey: .serviceName)
        ratio = try values.decodeIfPresent(Double.self, forKey: .ratio)
        queueSpans = try values.decodeIfPresent(Int.self, forKey: .queueSpans)
        headers = try values.decodeIfPresent([String: String].self, forKey: .headers)
        authorities = try values.decodeIfPresent(String.self, forKey: .authorities)
    }
}
