/// A number that the contract carries as text (`retry_count`): text and number are taken, text is given.
public struct NumberText: Codable, Sendable, Equatable {
    public var text: String

    public init(_ text: String) { self.text = text }

    public init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        if let number = try? single.decode(Int64.self) {
            text = String(number)
        } else {
            text = try single.decode(String.self)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var single = encoder.singleValueContainer()
        try single.encode(text)
    }
}

/// A JSON document inside a text (`config` of features): the text is taken as it is, any other
/// JSON value is taken as its compact text; text is given.
public struct JSONText: Codable, Sendable, Equatable {
    public var text: String

    public init(_ text: String) { self.text = text }

    public init(from decoder: any Decoder) throws {
        switch try JSONValue(from: decoder) {
        case .string(let value): text = value
        case let value: text = value.text
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var single = encoder.singleValueContainer()
        try single.encode(text)
    }
}

/// A list of words (`roles`) of which elements may hold several words parted by commas.
public struct WordList: Codable, Sendable, Equatable {
    public var words: [String]

    public init(_ words: [String]) { self.words = words }

    public init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        let elements = (try? single.decode(String.self)).map { [$0] }
        words = try (elements ?? single.decode([String].self)).flatMap { element in
            element.split(separator: ",").map { word in
                String(word.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
        }.filter { !$0.isEmpty }
    }

    public func encode(to encoder: any Encoder) throws {
        var single = encoder.singleValueContainer()
        try single.encode(words)
    }
}
