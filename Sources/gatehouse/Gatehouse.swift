import ArgumentParser

/// The program: one executable, a command for each thing that an operator does.
@main
struct Gatehouse: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gatehouse",
        abstract: "An API gateway that speaks the management API of ROMA Connect APIC.",
        version: "0.1.0",
        subcommands: [Serve.self, User.self, Audit.self, History.self, Diff.self, Restore.self, Explain.self])
}

/// A refusal to start or to do what was asked: one line for standard error, exit status 1.
struct PlainFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
