import ControlPlane
import HTTPTypes
import WireContract

/// `ETag` and `If-Match` of one operation (RFC 9110, 8.8.3 and 13.1.1). A tag is the revision in quotation marks: strong, and
/// opaque to clients.
struct EntityTags: Sendable {
    private let operation: ContractOperation
    private let subject: OperationSubject

    init(_ operation: ContractOperation) {
        self.operation = operation
        subject = OperationSubject.of(operation)
    }

    /// What the client expects of the object that the path names; nil without the header, and for operations about no one object.
    ///
    /// - Throws: ``ManagementFailure/badHeader(name:)`` for what is no list of tags.
    func expectation(_ headers: HTTPFields) throws(ManagementFailure) -> ExpectedState? {
        guard subject.kind != nil, operation.shape.method != .get else { return nil }
        let lines = headers[values: .ifMatch]
        guard !lines.isEmpty else { return nil }
        guard let expectation = Self.parse(lines.joined(separator: ",")) else { throw .badHeader(name: "If-Match") }
        return expectation
    }

    /// The tag of the object that a GET is about to show.
    func beforeReading(_ head: CallHead, _ directory: IdentityDirectory) async throws -> UInt64? {
        guard operation.shape.method == .get, subject.answer == .subject, let object = head.subject else { return nil }
        return try await directory.tag(of: object, instanceID: head.instanceID)
    }

    /// The value of `ETag`; nil when the answer shows no one object.
    func tag(of answer: OperationAnswer, seen: UInt64?) -> String? {
        let tag: UInt64? =
            switch subject.answer {
            case .other: nil
            case .subject: operation.shape.method == .get ? seen : answer.tags.subject
            case .made: answer.tags.made
            }
        return tag.map { "\"\($0)\"" }
    }

    /// - Returns: nil for what is neither `*` nor a list of tags, and for lists of more than 64. Weak tags and tags that this
    ///   server does not make are well formed and match nothing.
    static func parse(_ text: String) -> ExpectedState? {
        var rest = text[...]
        func skip(_ set: Set<Character>) { rest = rest.drop { set.contains($0) } }
        skip([" ", "\t"])
        if rest.first == "*" {
            rest = rest.dropFirst()
            skip([" ", "\t"])
            return rest.isEmpty ? ExpectedState(.any) : nil
        }
        var tags: [UInt64] = []
        var count = 0
        while !rest.isEmpty {
            skip([" ", "\t", ","])
            if rest.isEmpty { break }
            let isWeak = rest.hasPrefix("W/")
            if isWeak { rest = rest.dropFirst(2) }
            guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { return nil }
            let value = rest[rest.index(after: rest.startIndex)..<end]
            guard value.unicodeScalars.allSatisfy({ $0.value > 32 && $0.value != 127 }) else { return nil }
            count += 1
            guard count <= 64 else { return nil }
            // One spelling a tag: no signs, no leading zeros.
            if !isWeak, let number = UInt64(value), String(number) == value { tags.append(number) }
            rest = rest[rest.index(after: end)...]
            skip([" ", "\t"])
            guard rest.isEmpty || rest.first == "," else { return nil }
        }
        return count == 0 ? nil : ExpectedState(.oneOf(tags))
    }
}
