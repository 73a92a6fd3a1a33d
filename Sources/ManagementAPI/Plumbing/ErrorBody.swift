import WireContract

/// The body of a refusal: two fields, and four in the family of ROMA's public resources (management-api.md, 1.9).
struct ErrorBody: Encodable, Sendable {
    let code: String
    let message: String
    let details: String?
    let requestID: String?

    init(_ refusal: Refusal, requestID: String) {
        code = refusal.code.rawValue
        message = refusal.message
        let isROMA = code.hasPrefix("ROMA.")
        details = isROMA ? message : nil
        self.requestID = isROMA ? requestID : nil
    }

    enum CodingKeys: String, CodingKey {
        case code = "error_code"
        case message = "error_msg"
        case details = "error_details"
        case requestID = "request_id"
    }
}
