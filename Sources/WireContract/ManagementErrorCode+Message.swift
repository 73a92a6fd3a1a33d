extension ManagementErrorCode {
    /// The text of the catalogue with its `<placeholders>` filled in order; a placeholder without a
    /// value stays as it is.
    public func message(_ values: String...) -> String { message(values) }

    /// The same for a list of values.
    public func message(_ values: [String]) -> String {
        var out = ""
        var rest = template[...]
        var next = values.makeIterator()
        while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
            let after = rest.index(after: close)
            out += rest[..<open]
            out += next.next() ?? String(rest[open..<after])
            rest = rest[after...]
        }
        return out + rest
    }
}
