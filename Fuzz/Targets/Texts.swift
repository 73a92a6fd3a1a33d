import GatewayModel
import GatewayPrimitives
import OpenAPIDocuments
import RequestSigning
import Snapshot

/// What the gateway signs, the verifier of callers accepts; another path or query it refuses. The first line is the path.
let canonicalRequest: FuzzTarget = { input in
    let line = input.firstIndex(of: UInt8(ascii: "\n")) ?? input.count
    let path = Array(input[..<line])
    let query = Array(input[min(input.count, line + 1)...])
    // What the listener lets through.
    guard path.count + query.count < 32 * 1024, (path + query).allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") })
    else { return }
    let secret = Secret("secret-secret-secret")
    let signer = BackendSigner.hmac(key: "k", secret: secret)
    let scratch = SigningScratch()
    let seconds: Int64 = 1_704_164_645
    let authorization = path.withUnsafeBytes { path in
        query.withUnsafeBytes { query in
            let request = UnsignedRequest(
                method: ByteView("GET"), path: ByteView(path), query: ByteView(query), host: ByteView("h"), payload: .empty)
            return (try? signer.sign(request, at: seconds, scratch: scratch))?.authorization.string
        }
    }
    guard let authorization, let signature = CallerSignature(authorization: authorization) else {
        preconditionFailure("the gateway's own signature cannot be read")
    }
    func verdict(_ path: [UInt8], _ query: [UInt8]) -> SignatureVerification {
        let headers = ["host": "h", "x-sdk-date": BasicDate(seconds: seconds).text]
        return signature.verify(
            SignedRequest(
                method: "GET", rawPath: String(decoding: path, as: UTF8.self), rawQuery: String(decoding: query, as: UTF8.self),
                bodyDigest: nil) { headers[$0] }, secret: secret, at: seconds)
    }
    hold(verdict(path, query) == .valid(accessKey: "k"), "the own signature is refused: \(path) \(query)")
    hold(verdict(path + Array("/zz".utf8), query) != .valid(accessKey: "k"), "another path passes")
    hold(verdict(path, query + Array("&zz=1".utf8)) != .valid(accessKey: "k"), "another query passes")
}

/// A template that is read has a text that is read as the same, and serves a path that is made of it.
let pathTemplate: FuzzTarget = { input in
    let text = String(decoding: input.dropFirst(), as: UTF8.self)
    let isPrefix = input.first.map { $0 % 2 == 0 } ?? false
    guard let template = try? PathTemplate(parsing: text, allowsRest: !isPrefix) else { return }
    let again = try? PathTemplate(parsing: template.text, allowsRest: !isPrefix)
    hold(again == template && again?.parameterNames == template.parameterNames, "its text is another template")
    let route = Route(
        identity: RouteIdentity(
            apiID: "", apiName: "", groupID: "", groupName: "", environmentID: "", environmentName: "", publishID: ""),
        method: .any, path: template, matchMode: isPrefix ? .prefix : .normal, schemes: [.http], refusal: nil,
        backend: .mock(MockBackend(status: 200, headers: [], body: [])), policies: RoutePolicies())
    var path: [UInt8] = []
    for segment in template.segments {
        path.append(UInt8(ascii: "/"))
        switch segment {
        case .literal(let text): path += text
        case .parameter: path += Array("x".utf8)
        case .rest: path += Array("x/y".utf8)
        }
    }
    let captures = RouteCaptures()
    let found = path.withUnsafeBytes { RouteTable().inserting(route).match(path: $0, method: nil, captures: captures) }
    hold(found === route, "its own path leads elsewhere")
    hold(captures.count == template.parameterNames.count, "other parameters")
    hold(RouteTable().inserting(route).removing(method: .any, path: template, matchMode: route.matchMode).isEmpty, "it stays")
}

/// Reading ends with content or an error that names a place.
let pluginContent: FuzzTarget = { input in
    let text = String(decoding: input, as: UTF8.self)
    for type in PluginType.allCases {
        do throws(PluginContentError) {
            _ = try PluginContent(parsing: text, type: type)
        } catch {
            hold(!error.path.isEmpty || !error.reason.isEmpty, "an error without words")
        }
    }
}

/// A document is read or refused, in bounded work.
let openAPIImport: FuzzTarget = { input in
    guard input.count <= 64 * 1024 else { return }
    _ = try? DocumentReader.read(Array(input))
    _ = try? DocumentReader.read(Array(input), ReadingOptions(simpleMode: true, mockMode: true))
}

/// What is read within the limits of events and answers of functions.
let eventJSON: FuzzTarget = { input in
    let limits = JSONValue.Limits(length: 64 * 1024, depth: 16, values: 2000)
    guard let value = try? JSONValue(parsing: Array(input), limits: limits) else { return }
    let output = ByteScratch(capacity: input.count + 16)
    var writer = JSONWriter(output)
    write(value, to: &writer)
    let again = try? JSONValue(parsing: Array(output.bytes), limits: .init(length: 1024 * 1024, depth: 16, values: 2000))
    hold(again == textual(value), "written and read it is another value")
}

private func write(_ value: JSONValue, to writer: inout JSONWriter) {
    switch value {
    case .object(let members):
        writer.beginObject()
        for member in members {
            Array(member.name.utf8).withUnsafeBytes { writer.name($0) }
            write(member.value, to: &writer)
        }
        writer.endObject()
    case .array(let values):
        writer.beginArray()
        for value in values { write(value, to: &writer) }
        writer.endArray()
    case .string(let text): writer.string(text)
    case .bool(let flag): writer.bool(flag)
    case .number(let number): writer.string(number.text)
    case .null: writer.string("null")
    }
}

/// As ``write(_:to:)`` writes it: the writer has no numbers and no null.
private func textual(_ value: JSONValue) -> JSONValue {
    switch value {
    case .object(let members): .object(members.map { JSONMember(name: $0.name, value: textual($0.value)) })
    case .array(let values): .array(values.map(textual))
    case .number(let number): .string(number.text)
    case .null: .string("null")
    case .string, .bool: value
    }
}
