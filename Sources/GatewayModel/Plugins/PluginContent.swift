import GatewayPrimitives

/// A plug-in's content, read and checked field by field (management-api.md, 3.14; gateway-runtime.md, section 8).
public enum PluginContent: Sendable, Equatable {
    case cors(CORSContent)
    case setResponseHeaders(ResponseHeadersContent)
    case rateLimit(RateLimitContent)
    case breaker(BreakerContent)
    case thirdAuth(ThirdAuthContent)
    case kafkaLog(KafkaLogContent)

    /// Reads `plugin_content`.
    /// - Throws: the first thing that does not fit; the answer is 400 APIG.2012 naming `plugin_content`.
    public init(parsing content: String, type: PluginType) throws(PluginContentError) {
        let object = try ContentObject(content: content)
        switch type {
        case .cors: self = .cors(try CORSContent(object))
        case .setResponseHeaders: self = .setResponseHeaders(try ResponseHeadersContent(object))
        case .rateLimit: self = .rateLimit(try RateLimitContent(object))
        case .breaker: self = .breaker(try BreakerContent(object))
        case .thirdAuth: self = .thirdAuth(try ThirdAuthContent(object))
        case .kafkaLog: self = .kafkaLog(try KafkaLogContent(object))
        }
    }
}
