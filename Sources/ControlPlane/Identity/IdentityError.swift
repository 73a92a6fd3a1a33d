/// Why the identity of somebody was not accepted or changed. Closed: ManagementAPI and the commands map every case.
public enum IdentityError: Error, Sendable, Equatable {
    /// Unknown user, wrong password or unknown access key: never said which.
    case badCredentials
    case unknownToken
    case expiredToken
    /// The project or domain asked for does not exist or is not the user's.
    case unknownScope
    /// Too many logins wait already.
    case busy
    /// 1 to 256 bytes of UTF-8.
    case badPassword
    /// 1 to 64 letters, digits, `_`, `-`, `.` or `@`.
    case badUserName
    case unknownUser(name: String)
    case userExists(name: String)
    /// A domain keeps at least one administrator.
    case lastAdministrator
    /// A user has two access keys at most.
    case tooManyAccessKeys
}
