import GatewayPrimitives

/// Reads the field blocks of one connection (RFC 7541).
struct HPACKDecoder: ~Copyable {
    private var table = HPACKDynamicTable()

    init() {}

    /// - Parameter list: gets the fields; it must be empty.
    /// - Returns: with what the connection has to end, because nobody knows the table any more; nil: the block was good.
    mutating func decode(_ block: UnsafeRawBufferPointer, to list: HTTP2FieldList) -> HTTP2ErrorCode? {
        var offset = 0
        var mayResize = true
        while offset < block.count {
            let first = block[offset]
            if first & 0xE0 == 0x20 {
                // Sizes change in front of the fields alone (RFC 7541, 4.2).
                guard mayResize, let size = Self.integer(block, &offset, bits: 5), table.resize(size) else { return .compressionError }
                continue
            }
            mayResize = false
            if first & 0x80 != 0 {
                guard let index = Self.integer(block, &offset, bits: 7), let field = field(index) else { return .compressionError }
                list.append(field.name)
                list.append(field.value)
                guard list.close(nameCount: field.name.count, valueCount: field.value.count) else { return .enhanceYourCalm }
                continue
            }
            let isIndexed = first & 0x40 != 0
            guard let index = Self.integer(block, &offset, bits: isIndexed ? 6 : 4) else { return .compressionError }
            let nameCount: Int
            if index > 0 {
                guard let field = field(index) else { return .compressionError }
                nameCount = field.name.count
                list.append(field.name)
            } else {
                guard let count = Self.string(block, &offset, to: list), count > 0 else { return .compressionError }
                nameCount = count
            }
            guard let valueCount = Self.string(block, &offset, to: list) else { return .compressionError }
            guard list.close(nameCount: nameCount, valueCount: valueCount) else { return .enhanceYourCalm }
            if isIndexed { table.insert(list.name(at: list.count - 1), list.value(at: list.count - 1)) }
        }
        return nil
    }

    private func field(_ index: Int) -> (name: ByteView, value: ByteView)? {
        guard index > 0 else { return nil }
        return index <= HPACKStaticTable.count ? HPACKStaticTable.field(index) : table.field(index - HPACKStaticTable.count - 1)
    }

    /// RFC 7541, 5.1; nothing that is counted here needs more than four further bytes.
    private static func integer(_ block: UnsafeRawBufferPointer, _ offset: inout Int, bits: UInt8) -> Int? {
        guard offset < block.count else { return nil }
        let mask = (1 << Int(bits)) - 1
        var value = Int(block[offset]) & mask
        offset += 1
        guard value == mask else { return value }
        var shift = 0
        while offset < block.count, shift <= 21 {
            let byte = block[offset]
            offset += 1
            value += Int(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        return nil
    }

    /// Appends a string (RFC 7541, 5.2); nil where it is cut off or broken, else how many bytes it has.
    private static func string(_ block: UnsafeRawBufferPointer, _ offset: inout Int, to list: HTTP2FieldList) -> Int? {
        guard offset < block.count else { return nil }
        let isCompressed = block[offset] & 0x80 != 0
        guard let count = integer(block, &offset, bits: 7), count <= block.count - offset else { return nil }
        let encoded = UnsafeRawBufferPointer(rebasing: block[offset..<offset + count])
        offset += count
        guard isCompressed else {
            list.append(ByteView(encoded))
            return count
        }
        guard let decoded = HPACKHuffman.decode(encoded, to: list.reserve(HPACKHuffman.bound(count))) else { return nil }
        list.advance(decoded)
        return decoded
    }
}
