import GatewayModel
import Store
import Testing

@Suite struct AssetRowTests {
    private func reread(_ job: AssetJob) throws -> AssetJob {
        let columns = Dictionary(uniqueKeysWithValues: AssetJob.columns.enumerated().map { ($1, $0) })
        return try AssetJob(row: SQLRow(columns: columns, values: job.values))
    }

    @Test func jobsAreReadAsTheyWereWritten() throws {
        var job = AssetJob(
            id: "1", instanceID: "i", userID: "u", kind: .importAsset, steps: 3, beganAt: Timestamp(nanoseconds: 5))
        #expect(try reread(job) == job)
        job.status = .failed
        job.endedAt = Timestamp(nanoseconds: 7)
        job.archiveID = "a"
        job.reasons = [
            AssetJobReason(name: "app", code: "APIG.3201", message: "taken"), AssetJobReason(name: "", code: "", message: ""),
        ]
        #expect(try reread(job) == job)
    }

    @Test func reasonsFitTheContract() throws {
        let long = String(repeating: "名", count: 100)
        let reason = AssetJobReason(name: long, code: "c", message: "a\nb\r\nc")
        #expect(reason.name.unicodeScalars.count == AssetJobReason.textLimit)
        var job = AssetJob(
            id: "1", instanceID: "i", userID: "u", kind: .deleteAsset, steps: 1, beganAt: Timestamp(nanoseconds: 5))
        job.reasons = [reason, AssetJobReason(name: "b", code: "d", message: "e")]
        // Three texts a reason, whatever they hold.
        let read = try reread(job).reasons
        #expect(read.map(\.code) == ["c", "d"] && read[0].message == "a b c")
    }
}
