import CPCRE2

/// A compiled regular expression with PERL semantics (PCRE2), searched for anywhere in a subject.
///
/// Patterns and subjects are hostile: the pattern's length and nesting, the subject's length and the work of one match are
/// limited, and a match that hits a limit is ``MatchOutcome/undetermined`` rather than a guess.
/// Any thread may match at the same time; a match allocates nothing.
// Compiled code and the match context are not changed after `init` and PCRE2 allows their use from several threads at once;
// match data belong to the thread.
public final class PatternMatcher: @unchecked Sendable {
    /// Bounds on patterns and matches.
    public enum Limits {
        /// Bytes of a pattern.
        public static let patternLength = 4096
        /// Parentheses within parentheses.
        public static let nesting: UInt32 = 50
        /// Bytes of a subject; a URI and a header line have at most 32 KB.
        public static let subjectLength = 32 * 1024
        /// Internal steps of one match: a few milliseconds at worst.
        public static let steps: UInt32 = 100_000
        /// Backtracking depth of one match.
        public static let depth: UInt32 = 10_000
        /// KiB of heap for one match without JIT.
        public static let heap: UInt32 = 4096
    }

    private let code: OpaquePointer
    private let context: OpaquePointer

    /// - Throws: ``PatternError`` with the reason and where in the pattern it lies.
    public init(_ pattern: String) throws(PatternError) {
        let bytes = Array(pattern.utf8)
        guard bytes.count <= Limits.patternLength else { throw PatternError(message: "pattern is too long", offset: Limits.patternLength) }
        guard let compileContext = pcre2_compile_context_create_8(nil) else { throw PatternError.outOfMemory }
        defer { pcre2_compile_context_free_8(compileContext) }
        pcre2_set_parens_nest_limit_8(compileContext, Limits.nesting)
        var error: CInt = 0
        var offset = 0
        // Bytes that are not UTF-8 match nothing but do not fail the match. `\C` could split a character.
        let options = UInt32(PCRE2_UTF) | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C
        guard let code = bytes.withUnsafeBufferPointer({
            pcre2_compile_8($0.baseAddress ?? UnsafePointer(bitPattern: 1), bytes.count, options, &error, &offset, compileContext)
        }) else {
            throw PatternError(code: error, offset: offset)
        }
        guard let context = pcre2_match_context_create_8(nil) else {
            pcre2_code_free_8(code)
            throw PatternError.outOfMemory
        }
        pcre2_set_match_limit_8(context, Limits.steps)
        pcre2_set_depth_limit_8(context, Limits.depth)
        pcre2_set_heap_limit_8(context, Limits.heap)
        // Without JIT (no executable memory, an unsupported processor) matches are interpreted.
        _ = pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE))
        self.code = code
        self.context = context
    }

    deinit {
        pcre2_match_context_free_8(context)
        pcre2_code_free_8(code)
    }

    /// Whether the pattern is found in `subject`.
    public func match(_ subject: UnsafeRawBufferPointer) -> MatchOutcome {
        guard subject.count <= Limits.subjectLength, let data = gatehouse_pcre2_thread_match_data() else {
            return .undetermined
        }
        var empty: UInt8 = 0
        let result = withUnsafePointer(to: &empty) { placeholder in
            pcre2_match_8(
                code, subject.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? placeholder, subject.count, 0, 0, data, context)
        }
        if result >= 0 { return .match }
        return result == PCRE2_ERROR_NOMATCH ? .noMatch : .undetermined
    }

    public func match(_ subject: String) -> MatchOutcome { Array(subject.utf8).withUnsafeBytes { match($0) } }
}

/// Answer of a match, with Kleene's three values: `undetermined` when a limit was hit before there was an answer.
public enum MatchOutcome: Sendable, Equatable {
    case match, noMatch, undetermined

    public init(_ matches: Bool) { self = matches ? .match : .noMatch }

    public var negated: MatchOutcome {
        switch self {
        case .match: .noMatch
        case .noMatch: .match
        case .undetermined: .undetermined
        }
    }
}

/// Why a text is not a usable pattern.
public struct PatternError: Error, Equatable, Sendable {
    public let message: String
    /// Byte of the pattern at which it was found.
    public let offset: Int

    static let outOfMemory = PatternError(message: "out of memory", offset: 0)

    init(message: String, offset: Int) {
        self.message = message
        self.offset = offset
    }

    init(code: CInt, offset: Int) {
        var text = [UInt8](repeating: 0, count: 256)
        let length = pcre2_get_error_message_8(code, &text, text.count)
        self.init(message: length > 0 ? String(decoding: text.prefix(Int(length)), as: UTF8.self) : "error \(code)", offset: offset)
    }
}
