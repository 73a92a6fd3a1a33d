// First shapes; each moves to a file of its own with its fields.
public final class CORSPolicy: Sendable { public init() {} }
public final class RateLimitPolicy: Sendable { public init() {} }
public final class ThirdAuthPolicy: Sendable { public init() {} }
public final class BreakerPolicy: Sendable { public init() {} }
public final class ResponseHeaderPolicy: Sendable { public init() {} }
