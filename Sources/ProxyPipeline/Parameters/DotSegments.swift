/// Finds segments `.` and `..` in a path that is put together from pieces, before anything of it is encoded: what a backend would
/// make of them is unknown. An encoded slash parts segments too, because some backends decode it.
struct DotSegments {
    private var dots = 0
    private var count = 0
    private var found = false

    mutating func take(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            if byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") {
                close()
            } else {
                count += 1
                if byte == UInt8(ascii: ".") { dots += 1 }
            }
        }
    }

    private mutating func close() {
        if count > 0, count <= 2, dots == count { found = true }
        dots = 0
        count = 0
    }

    /// True when there is one.
    mutating func finish() -> Bool {
        close()
        return found
    }
}
