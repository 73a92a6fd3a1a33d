// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target: Swift 6 mode, no warnings, no implicit existentials.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

// Which target may use which is the architecture. Scripts/check-imports.py compares this manifest
// with the imports of every source file.
let package = Package(
    name: "gatehouse",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "gatehouse", targets: ["gatehouse"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Words that both planes share: identifiers, addresses, templates, expressions, secrets.
        .target(name: "GatewayPrimitives", dependencies: ["CPCRE2"], swiftSettings: strict),
        // Regular expressions with PERL semantics.
        .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        // Hashes of the request path, which keep their state in plain values.
        .systemLibrary(name: "CLibCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        // Records of requests, delivered to Kafka's brokers.
        .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .target(
            name: "KafkaLog",
            dependencies: ["CRdKafka", "GatewayPrimitives", "Snapshot", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        // Listening sockets and their way from one process to the next.
        .systemLibrary(name: "CSockets"),
        .target(name: "Sockets", dependencies: ["CSockets"], swiftSettings: strict),
        // Lets libdispatch survive that no descriptor is left.
        .target(name: "CDispatchMend"),
        // Archives of assets: strict reader, bounded writer.
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "ZipArchives", dependencies: ["CZlib"], swiftSettings: strict),
        // Canonical requests and signatures: verify callers, sign to backends.
        .target(
            name: "RequestSigning",
            dependencies: [
                "CLibCrypto", "GatewayPrimitives",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ], swiftSettings: strict),

        // Certificates and private keys as people send them: read, checked, brought into one form.
        .target(
            name: "CertificateReading",
            dependencies: [
                "GatewayPrimitives",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ], swiftSettings: strict),

        // Request path.
        .target(
            name: "Snapshot", dependencies: ["GatewayPrimitives", "RequestSigning"],
            swiftSettings: strict),
        .target(
            name: "ProxyPipeline", dependencies: ["CZlib", "GatewayPrimitives", "RequestSigning", "Snapshot"],
            swiftSettings: strict),
        .target(
            name: "ProxyServer",
            dependencies: [
                "CertificateReading", "GatewayPrimitives", "RequestSigning", "Snapshot", "ProxyPipeline", "Sockets",
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),

        // Spans to a receiver of OTLP.
        .target(
            name: "TraceExport",
            dependencies: [
                "GatewayPrimitives", "ProxyServer",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),

        // Management path.
        .target(name: "GatewayModel", dependencies: ["GatewayPrimitives"], swiftSettings: strict),
        // API definitions from and to OpenAPI documents.
        .target(
            name: "OpenAPIDocuments",
            dependencies: ["GatewayPrimitives", "GatewayModel", .product(name: "Yams", package: "Yams")],
            swiftSettings: strict),
        // Generated from Contract/apic.openapi.yaml by `make contract`.
        .target(name: "WireContract", swiftSettings: strict),
        .target(
            name: "Store",
            dependencies: [
                "GatewayPrimitives", "GatewayModel",
                .product(name: "Crypto", package: "swift-crypto"),
            ], swiftSettings: strict),
        .target(
            name: "StoreSQLite",
            dependencies: ["Store", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: strict),
        .target(
            name: "SnapshotCompiler",
            dependencies: ["GatewayPrimitives", "GatewayModel", "Snapshot", "RequestSigning"],
            swiftSettings: strict),
        .target(
            name: "ControlPlane",
            dependencies: [
                "CertificateReading", "GatewayPrimitives", "GatewayModel", "OpenAPIDocuments", "Store", "Snapshot",
                "SnapshotCompiler", "RequestSigning",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .target(
            name: "ManagementAPI",
            dependencies: [
                "GatewayPrimitives", "GatewayModel", "OpenAPIDocuments", "Store", "ControlPlane", "WireContract", "RequestSigning",
                "Sockets", "ZipArchives",
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),

        .executableTarget(
            name: "gatehouse",
            dependencies: [
                "CDispatchMend", "GatewayPrimitives", "GatewayModel", "KafkaLog", "Store", "StoreSQLite", "Snapshot", "ControlPlane",
                "ManagementAPI", "ProxyPipeline", "ProxyServer", "RequestSigning", "Sockets", "TraceExport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "Yams", package: "Yams"),
            ], swiftSettings: strict),

        .testTarget(name: "GatewayPrimitivesTests", dependencies: ["GatewayPrimitives"], swiftSettings: strict),
        .testTarget(
            name: "CertificateReadingTests",
            dependencies: [
                "CertificateReading", "GatewayPrimitives",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ], swiftSettings: strict),
        .testTarget(
            name: "RequestSigningTests",
            dependencies: [
                "GatewayPrimitives", "RequestSigning",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ], swiftSettings: strict),
        .testTarget(
            name: "SnapshotCompilerTests",
            dependencies: ["GatewayPrimitives", "GatewayModel", "Snapshot", "SnapshotCompiler", "ProxyPipeline"],
            swiftSettings: strict),
        .testTarget(
            name: "GatewayModelTests", dependencies: ["GatewayPrimitives", "GatewayModel"], swiftSettings: strict),
        .testTarget(
            name: "OpenAPIDocumentsTests", dependencies: ["GatewayPrimitives", "GatewayModel", "OpenAPIDocuments"],
            swiftSettings: strict),
        .testTarget(
            name: "ProxyPipelineTests", dependencies: ["GatewayPrimitives", "RequestSigning", "Snapshot", "ProxyPipeline"],
            swiftSettings: strict),
        .testTarget(
            name: "ManagementAPITests",
            dependencies: ["GatewayPrimitives", "GatewayModel", "Sockets", "Store", "StoreSQLite", "Snapshot", "ControlPlane", "ManagementAPI", "WireContract",
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .testTarget(name: "ZipArchivesTests", dependencies: ["ZipArchives"], swiftSettings: strict),
        .testTarget(name: "WireContractTests", dependencies: ["WireContract"], swiftSettings: strict),
        .testTarget(
            name: "ProxyServerTests",
            dependencies: [
                "GatewayPrimitives", "RequestSigning", "Snapshot", "ProxyPipeline", "ProxyServer",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], swiftSettings: strict),
        .testTarget(
            name: "SnapshotTests", dependencies: ["GatewayPrimitives", "Snapshot"], swiftSettings: strict),
        .testTarget(
            name: "StoreTests", dependencies: ["GatewayPrimitives", "GatewayModel", "Store", "StoreSQLite"], swiftSettings: strict),
        .testTarget(
            name: "ControlPlaneTests",
            dependencies: [
                "GatewayPrimitives", "GatewayModel", "Store", "StoreSQLite", "RequestSigning", "Snapshot", "SnapshotCompiler",
                "ControlPlane", "OpenAPIDocuments", "ProxyPipeline",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
    ]
)

// Fuzz targets are built with `make fuzz` alone: they need the fuzzer's runtime, which no other build has.
if Context.environment["GATEHOUSE_FUZZ"] != nil {
    package.products.append(.executable(name: "Fuzz", targets: ["Fuzz"]))
    package.targets.append(
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "GatewayModel", "GatewayPrimitives", "OpenAPIDocuments", "ProxyPipeline", "ProxyServer", "RequestSigning",
                "Snapshot", "SnapshotCompiler",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ], path: "Fuzz/Targets", swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]))
}
