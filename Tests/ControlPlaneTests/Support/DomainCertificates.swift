import GatewayPrimitives
import Snapshot

/// Two certificates for the domains of the random sequence, with their keys, from 2019 to 2037. They were made for this
/// test and protect nothing.
enum DomainCertificates {
    static let all: [(chain: String, key: Secret)] = [
        (
            """
            -----BEGIN CERTIFICATE-----
            MIIBWzCCAQKgAwIBAgIBATAKBggqhkjOPQQDAjASMRAwDgYDVQQDDAdpc3N1ZSAx
            MB4XDTE5MDEwMTAwMDAwMFoXDTM3MDEwMTAwMDAwMFowEjEQMA4GA1UEAwwHaXNz
            dWUgMTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGyYuKm+1S0O0Nmabjzp5/UN
            xgxUshR15PpsJmo6Fz/ZShP9Q8E9snVSR9epc1FeO8kFW0xSxHAZA0EdIf6XnbWj
            STBHMEUGA1UdEQQ+MDyCDWEuZXhhbXBsZS5jb22CDWIuZXhhbXBsZS5jb22CDSou
            ZXhhbXBsZS5jb22CDSouZXhhbXBsZS5vcmcwCgYIKoZIzj0EAwIDRwAwRAIgW/6W
            VQZs5PCCeN1gAQuTYION+CIBTA1O96qHwwFMb9cCIErmRnu+Mj8TlJb1o9tGexlJ
            ZuUwIGE1hp0FSV+t6fxN
            -----END CERTIFICATE-----

            """,
            Secret(
                """
                -----BEGIN PRIVATE KEY-----
                MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgqrUWwWwyEO4HcPEk
                NOYECWCUCnhpYGJ04RviQ7XZ5H6hRANCAARsmLipvtUtDtDZmm486ef1DcYMVLIU
                deT6bCZqOhc/2UoT/UPBPbJ1UkfXqXNRXjvJBVtMUsRwGQNBHSH+l521
                -----END PRIVATE KEY-----

                """)
        ),
        (
            """
            -----BEGIN CERTIFICATE-----
            MIIBXDCCAQKgAwIBAgIBAjAKBggqhkjOPQQDAjASMRAwDgYDVQQDDAdpc3N1ZSAy
            MB4XDTE5MDEwMTAwMDAwMFoXDTM3MDEwMTAwMDAwMFowEjEQMA4GA1UEAwwHaXNz
            dWUgMjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJBgJC/d1kyCnDSdLGmdCUns
            oH+Ll5437pEwm8ZS06zObYd0alQqDSklIcj/judJgd8eolsKF/DhpO5f9nwl4SCj
            STBHMEUGA1UdEQQ+MDyCDWEuZXhhbXBsZS5jb22CDWIuZXhhbXBsZS5jb22CDSou
            ZXhhbXBsZS5jb22CDSouZXhhbXBsZS5vcmcwCgYIKoZIzj0EAwIDSAAwRQIgIKyy
            5lLqBie1l6WYVuxL7lkQs1YtuFHjIhLGHEIqGAsCIQC06zgozGXQEPZ8+gsDZDyw
            ax0pr7MF4L2sNv14B78Z8Q==
            -----END CERTIFICATE-----

            """,
            Secret(
                """
                -----BEGIN PRIVATE KEY-----
                MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQggYZGVejrjvJSueDO
                uQMeev1Z8Rsxk3oDtfclmod5Dq2hRANCAASQYCQv3dZMgpw0nSxpnQlJ7KB/i5ee
                N+6RMJvGUtOszm2HdGpUKg0pJSHI/47nSYHfHqJbChfw4aTuX/Z8JeEg
                -----END PRIVATE KEY-----

                """)
        ),
    ]
}

/// Stands for a context of the TLS library and remembers what it was made of.
final class NotedTLS: PreparedTLS {
    let material: TLSMaterial
    init(_ material: TLSMaterial) { self.material = material }
}
