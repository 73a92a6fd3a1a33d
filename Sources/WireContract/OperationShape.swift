/// HTTP methods of the contract.
public enum OperationMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
}

/// What an operation takes as its body.
public enum OperationBody: Sendable, Equatable {
    case none
    case json(required: Bool)
    case multipart
}

/// A query parameter and its limits. Lengths in Unicode scalars; texts without a limit in the
/// contract are limited to 1,024.
public struct QueryParameter: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        case text(length: ClosedRange<Int>)
        case integer(range: ClosedRange<Int>, default: Int?)
        case flag
    }

    public var name: String
    public var required: Bool
    public var kind: Kind

    static func text(_ name: String, required: Bool, length: ClosedRange<Int>) -> QueryParameter {
        QueryParameter(name: name, required: required, kind: .text(length: length))
    }

    static func integer(_ name: String, required: Bool, _ range: ClosedRange<Int>, default value: Int?) -> QueryParameter {
        QueryParameter(name: name, required: required, kind: .integer(range: range, default: value))
    }

    static func flag(_ name: String, required: Bool) -> QueryParameter {
        QueryParameter(name: name, required: required, kind: .flag)
    }
}

/// Everything the contract says about an operation besides its bodies.
public struct OperationShape: Sendable, Equatable {
    public var operation: ContractOperation
    public var method: OperationMethod
    /// Path with `{parameters}`, from `/v2` on.
    public var path: String
    public var body: OperationBody
    /// Status of success.
    public var status: Int
    /// Whether success has a body of JSON.
    public var answers: Bool
    public var query: [QueryParameter]

    init(
        _ operation: ContractOperation, _ method: OperationMethod, _ path: String, body: OperationBody, status: Int,
        answers: Bool, query: [QueryParameter]
    ) {
        self.operation = operation
        self.method = method
        self.path = path
        self.body = body
        self.status = status
        self.answers = answers
        self.query = query
    }
}

extension ContractOperation {
    private static let shapes = Swift.Dictionary(uniqueKeysWithValues: OperationTable.shapes.map { ($0.operation, $0) })

    /// The shape of the operation, from the generated table.
    public var shape: OperationShape {
        guard let shape = ContractOperation.shapes[self] else {
            // The generator writes the cases and the table from one list; a test covers all cases.
            preconditionFailure("no shape for \(rawValue)")
        }
        return shape
    }
}
