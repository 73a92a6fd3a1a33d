import Foundation
import GatewayPrimitives

/// What the system knows of this process, under the names that Prometheus gives it everywhere.
enum ProcessMetrics {
    static func write(to out: inout MetricsText) {
        if let text = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8), let end = text.lastIndex(of: ")") {
            // From the third field on; the second one may hold blanks.
            let fields = text[text.index(after: end)...].split(separator: " ")
            if fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]), let pages = Int(fields[21]) {
                out.family("process_cpu_seconds_total", .counter, "Processor time in seconds.")
                out.sample("process_cpu_seconds_total", seconds: (user + system) / Double(max(1, sysconf(Int32(_SC_CLK_TCK)))))
                out.single("process_resident_memory_bytes", .gauge, "Resident memory.", pages * Int(sysconf(Int32(_SC_PAGESIZE))))
            }
        }
        let limit = ProcessLimits.descriptors
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
            out.single("process_open_fds", .gauge, "Descriptors that are open.", open)
        } else if let limit {
            // There is none left to look with.
            out.single("process_open_fds", .gauge, "Descriptors that are open.", limit.rlim_cur)
        }
        if let limit { out.single("process_max_fds", .gauge, "Most descriptors that may be open.", limit.rlim_cur) }
    }
}

/// What the system lets this process have.
enum ProcessLimits {
    /// More than anybody needs; a system may name a limit that is none.
    private static let mostDescriptors: rlim_t = 1_048_576

    static var descriptors: rlimit? {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? limit : nil
    }

    /// The soft limit is low for the sake of programs that use `select`; what may be had is the hard one.
    static func raiseDescriptors() {
        guard var limit = descriptors else { return }
        let wanted = min(limit.rlim_max, mostDescriptors)
        guard limit.rlim_cur < wanted else { return }
        limit.rlim_cur = wanted
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
