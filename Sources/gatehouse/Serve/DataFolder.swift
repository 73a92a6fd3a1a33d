import Foundation

/// The folder that holds everything a node keeps: database, key file, credentials, certificates. One process at a time.
struct DataFolder: ~Copyable {
    let path: String
    private let lock: Int32

    /// Unlocked, the folder is another process's.
    var lockDescriptor: Int32 { lock }

    var database: String { path + "/gatehouse.sqlite" }
    var credentials: String { path + "/credentials.json" }
    /// Credentials that are written but whose database transaction may not be.
    var pendingCredentials: String { path + "/credentials.json.new" }
    var certificate: String { path + "/gateway-certificate.pem" }
    var certificateKey: String { path + "/gateway-certificate-key.pem" }
    private var keyFile: String { path + "/secrets.key" }

    /// Makes the folder (mode 0700) where it is missing and takes it for this process.
    init(path: String) throws {
        let absolute = Self.absolute(path)
        do {
            try FileManager.default.createDirectory(
                atPath: absolute, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw PlainFailure("cannot make the data folder \(absolute)")
        }
        let descriptor = Self.openDescriptor(absolute + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw PlainFailure("cannot write to the data folder \(absolute)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw PlainFailure("another gatehouse uses the data folder \(absolute)")
        }
        self.path = absolute
        lock = descriptor
    }

    static func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }

    deinit { close(lock) }

    /// The 32 bytes that seal secrets in the database; made on the first start.
    ///
    /// - Throws: ``PlainFailure`` when a database exists whose key file is gone: its secrets could not be opened.
    func secretKey() throws -> [UInt8] {
        if let data = FileManager.default.contents(atPath: keyFile) {
            guard data.count == 32 else { throw PlainFailure("the key file \(keyFile) does not hold 32 bytes") }
            return Array(data)
        }
        guard !FileManager.default.fileExists(atPath: database) else {
            throw PlainFailure("the key file \(keyFile) is missing, so the secrets in \(database) cannot be opened")
        }
        var generator = SystemRandomNumberGenerator()
        let key = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
        try Self.write(key, to: keyFile)
        return key
    }

    /// Writes a file that only this user may read, durable when this returns. An existing file is replaced as a whole.
    static func write(_ bytes: [UInt8], to path: String) throws {
        let temporary = path + ".tmp"
        unlink(temporary)
        let descriptor = openDescriptor(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw PlainFailure("cannot write \(path)") }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw PlainFailure("cannot write \(path)") }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw PlainFailure("cannot write \(path)") }
        try move(temporary, to: path)
    }

    /// Renames durably: the folder's entry is synced too.
    static func move(_ from: String, to path: String) throws {
        guard rename(from, path) == 0 else { throw PlainFailure("cannot write \(path)") }
        let folder = openDescriptor(
            URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    private static func openDescriptor(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }
}
