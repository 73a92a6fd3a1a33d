import WireContract

/// Why the plumbing refuses a request before an operation sees it. Closed; `refusal(_:)` maps every case.
enum ManagementFailure: Error, Sendable, Equatable, CaseIterable {
    case unknownRoute
    case methodNotAllowed
    case notOffered
    case noCredentials
    case tokenExpired
    case badCredentials
    case noProject
    case otherProject
    case notPermitted
    case malformedPathID(parameter: String)
    case unknownInstance(id: String)
    case unreadableBody(reason: String)
    case wrongCharset
    case tooLargeBody
    /// Too many large bodies at a time.
    case noRoom
    case tooLongTarget
    case badQuery(parameter: String)
    case badHeader(name: String)
    case missing(parameter: String)
    /// `If-Match` names another state of the object.
    case changedMeanwhile
    case broken

    /// One of each, so that a test can see that all are mapped.
    static let allCases: [ManagementFailure] = [
        .unknownRoute, .methodNotAllowed, .notOffered, .noCredentials, .tokenExpired, .badCredentials, .noProject,
        .otherProject, .notPermitted, .malformedPathID(parameter: "id"), .unknownInstance(id: "i"),
        .unreadableBody(reason: JSONBody.endOfInput), .wrongCharset, .tooLargeBody, .noRoom, .tooLongTarget,
        .badQuery(parameter: "limit"), .badHeader(name: "If-Match"),
        .missing(parameter: "name"), .changedMeanwhile, .broken,
    ]

    func refusal(_ family: ErrorFamily) -> Refusal {
        switch family {
        case .apig: apig
        case .apic: apic ?? apig
        case .roma: roma ?? apig
        }
    }

    private var apig: Refusal {
        switch self {
        case .unknownRoute, .notOffered: Refusal(.apig9996)
        case .methodNotAllowed: Refusal(.apig9995)
        case .noCredentials: Refusal(.apig1000)
        case .tokenExpired: Refusal(.apig1001)
        case .badCredentials: Refusal(.apig1002)
        case .noProject: Refusal(.apig1003)
        case .otherProject, .notPermitted: Refusal(.apig1005)
        case .malformedPathID(let parameter), .badQuery(let parameter), .badHeader(let parameter): Refusal(.apig2012, parameter)
        case .unknownInstance(let id): Refusal(.apig3030, id)
        case .unreadableBody(let reason): Refusal(.apig2000, text: "Parameter error: Serialization error: \(reason)")
        case .wrongCharset: Refusal(.apig2000, text: "Parameter error: Serialization error: the charset must be utf-8")
        case .tooLargeBody: Refusal(.apig2000, text: "Parameter error: the request body is too large", status: 413)
        case .noRoom: Refusal(.apig9992)
        case .tooLongTarget: Refusal(.apig2000, text: "Parameter error: the request URI is too long", status: 414)
        case .missing(let parameter): Refusal(.apig2001, parameter)
        case .changedMeanwhile: Refusal(.apig3400, text: Self.changedText, status: 412)
        case .broken: Refusal(.apig9999)
        }
    }

    /// No text of the catalogue says this: the vendor has no conditional requests.
    private static let changedText = "The resource has been changed since it was read. Read it again and repeat the change"

    /// Where the gateway manager's family has a code of its own.
    private var apic: Refusal? {
        switch self {
        case .noCredentials: Refusal(.apic7100)
        case .tokenExpired: Refusal(.apic7101)
        case .badCredentials: Refusal(.apic7102)
        case .noProject: Refusal(.apic7103)
        case .otherProject: Refusal(.apic7130)
        case .notPermitted: Refusal(.apic7106)
        case .malformedPathID(let parameter), .badQuery(let parameter), .badHeader(let parameter), .missing(let parameter):
            Refusal(.apic7211, parameter)
        case .unknownInstance: Refusal(.apic7302)
        case .broken: Refusal(.apic9000)
        case .changedMeanwhile: Refusal(.apic7701, text: Self.changedText, status: 412)
        case .unknownRoute, .methodNotAllowed, .notOffered, .unreadableBody, .wrongCharset, .tooLargeBody, .noRoom,
            .tooLongTarget: nil
        }
    }

    /// Where ROMA's public resources have a code of their own.
    private var roma: Refusal? {
        switch self {
        case .noCredentials, .tokenExpired, .badCredentials, .noProject: Refusal(.roma00012000, text: apig.message)
        case .otherProject, .notPermitted: Refusal(.roma00012000, text: apig.message, status: 403)
        case .malformedPathID(let parameter), .badQuery(let parameter), .badHeader(let parameter), .missing(let parameter):
            Refusal(.roma00013000, parameter)
        case .unreadableBody, .wrongCharset: Refusal(.roma00013000, text: apig.message)
        case .unknownInstance(let id): Refusal(.roma00110006, id)
        case .changedMeanwhile: Refusal(.roma00013000, text: Self.changedText, status: 412)
        case .broken: Refusal(.roma00011000)
        case .unknownRoute, .methodNotAllowed, .notOffered, .tooLargeBody, .noRoom, .tooLongTarget: nil
        }
    }
}
