/// Why a file cannot be imported at all. A fault of a single API does not stop the others: see ``ReadOperation``.
public enum DocumentFault: Error, Sendable, Equatable {
    /// The file holds nothing.
    case empty
    /// More than ``DocumentText/byteLimit`` bytes.
    case tooLong
    /// Neither JSON nor YAML within the limits.
    case unreadable(reason: String)
    /// No OpenAPI 2.0 or 3.0 document.
    case wrongVersion
    /// The document does not have the form of its version.
    case syntax(reason: String)
    /// `info.title` is absent or no text.
    case noTitle
}
