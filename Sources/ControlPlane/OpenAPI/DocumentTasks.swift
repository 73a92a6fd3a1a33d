import GatewayModel
import Logging
import Store
import Synchronization

/// What a task's query answers.
public struct DocumentTaskView: Sendable {
    public let task: DocumentTask
    public let status: DocumentTask.Status
    /// Operations done and all of them, while the task is at work.
    public let progress: (done: Int, total: Int)?
    /// The program ended while the task was at work; an import has then left nothing behind.
    public let isLost: Bool
}

/// Imports and exports that run by themselves. A task lives in this process; its row says that there was one and how it ended.
/// Any task, any thread.
public final class DocumentTasks: Sendable {
    /// Ended tasks of an instance whose results are kept.
    public static let keptResults = 20

    private struct Running {
        let instanceID: String
        let total: Int
        /// nil: waits for its turn.
        var done: Int?
    }

    private let plane: ControlPlane
    private let running = Mutex<[String: Running]>([:])

    public init(_ plane: ControlPlane) { self.plane = plane }

    /// How a task reports to those who ask for it.
    public struct Report: Sendable {
        fileprivate let tasks: DocumentTasks
        fileprivate let id: String

        /// Operations done so far.
        public func progress(_ done: Int) { tasks.running.withLock { $0[id]?.done = done } }

        /// Ends the task together with everything else that the transaction does.
        public func succeed(_ result: String, in writing: Writing) throws {
            try writing.endTask(id, .succeeded, result)
        }
    }

    /// Stores a task and begins it.
    ///
    /// - Parameters:
    ///   - total: operations that it will work on.
    ///   - run: the task; what it returns ends it, unless it has called ``Report/succeed(_:in:)`` and returns nil.
    /// - Returns: the task's id.
    /// - Throws: ``OperationError``: instance unknown, too many tasks at work.
    public func start(
        _ call: Call, _ kind: DocumentTask.Kind, total: Int,
        _ run: @escaping @Sendable (Report) async -> (status: DocumentTask.Status, result: String)?
    ) async throws -> Written<String> {
        let id = Writing.newID()
        let limit = plane.settings.quotas.documentTasks
        let hasRoom = running.withLock { running in
            guard running.values.count(where: { $0.instanceID == call.instanceID }) < limit else { return false }
            running[id] = Running(instanceID: call.instanceID, total: total, done: nil)
            return true
        }
        guard hasRoom else { throw OperationError.quotaExceeded(.asynchronousTask, limit: limit) }
        let written: Written<Void>
        do {
            written = try await plane.write(call) { w in
                try w.checkInstance(of: call)
                try w.sql.insert(
                    DocumentTask(
                        id: id, instanceID: call.instanceID, kind: kind, status: .waiting, result: "", createdAt: w.now,
                        updatedAt: w.now))
                try w.dropOldTasks(of: call.instanceID)
            }
        } catch {
            running.withLock { $0[id] = nil }
            throw error
        }
        var own = call
        own.subject = nil
        own.expectation = nil
        Task { [plane, own] in
            if let end = await run(Report(tasks: self, id: id)) {
                do {
                    _ = try await plane.write(own) { w in try w.endTask(id, end.status, end.result) }
                } catch {
                    plane.log.error("the end of a task could not be stored", metadata: ["task": "\(id)", "error": "\(error)"])
                }
            }
            running.withLock { $0[id] = nil }
        }
        return written.map { id }
    }

    /// - Throws: ``OperationError``: instance or task unknown.
    public func task(_ call: Call, id: String) async throws -> DocumentTaskView {
        // Before the row: a task that ends in between is then read as ended.
        let running = running.withLock { $0[id] }
        let task = try await plane.read { r in
            try r.checkInstance(of: call)
            guard let task = try r.find(DocumentTask.self, id: id, of: call) else {
                throw OperationError.notFound(.asynchronousTask, id: id)
            }
            return task
        }
        guard task.status == .waiting else { return DocumentTaskView(task: task, status: task.status, progress: nil, isLost: false) }
        guard let running else { return DocumentTaskView(task: task, status: .failed, progress: nil, isLost: true) }
        return DocumentTaskView(
            task: task, status: running.done == nil ? .waiting : .processing, progress: running.done.map { ($0, running.total) },
            isLost: false)
    }
}

extension Writing {
    fileprivate func endTask(_ id: String, _ status: DocumentTask.Status, _ result: String) throws {
        guard var task = try sql.find(DocumentTask.self, key: id) else { return }
        task.status = status
        task.result = result
        task.updatedAt = now
        try sql.update(task)
    }

    fileprivate func dropOldTasks(of instanceID: String) throws {
        let ended = try sql.query(
            "SELECT id FROM document_tasks WHERE instance_id = ? AND status <> ? ORDER BY created_at DESC, id",
            [.text(instanceID), .text(DocumentTask.Status.waiting.rawValue)])
        for row in ended.dropFirst(DocumentTasks.keptResults) { try sql.delete(DocumentTask.self, key: try row.text("id")) }
    }
}
