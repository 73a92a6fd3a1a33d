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
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
            out.single("process_open_fds", .gauge, "Descriptors that are open.", open)
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            out.single("process_max_fds", .gauge, "Most descriptors that may be open.", limit.rlim_cur)
        }
    }
}
