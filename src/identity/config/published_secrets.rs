//! Secrets that were published: with earlier servers, with the catalog's front end, which kept one in every browser, and as
//! examples of standards and tools. Anyone can sign tokens with them.
//!
//! Only hashes stand here, so that this file publishes none.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// SHA-256 of published secrets, with the places where they stand.
const PUBLISHED: [&str; 15] = [
    // quiltdata/quilt-mcp-server: `FRONTEND_MUST_SEND_JWT_NOW.md`, 2025-10-01, tags from v0.6.58; quiltdata/quilt: `deployment-notes`, 2025-10-03.
    "86bf381d5532ebf61a09025b749fff8e52418b0da1a5435ed916ce7ecfd98fca",
    // quiltdata/quilt-mcp-server: `FRONTEND_TEAM_INSTRUCTIONS.md`, 2025-09-29, and `tests/local_jwt_test.py`; quiltdata/quilt: `deployment-notes`.
    "ad9bffbef7ef7a52ade534493255533df1fa36574d3637b20ec6c5cd2bbac9bf",
    // quiltdata/quilt-mcp-server: `task-definition-final.json`, 2025-10-02; quiltdata/quilt: `deployment-notes/new-task-definition.json`, 2025-10-03.
    "2d10cb2348259bc87b2df32efcaf19b9a63e000c2e95b46a408e137c0d006e7f",
    // quiltdata/quilt-mcp-server: `make.dev` and `tests/stateless/conftest.py`, 2026-01-28.
    "334c6d894b4cd4b6501b40030d61fe7159b93597ddf94e78872204797a5d6a39",
    // quiltdata/quilt-mcp-server: `tests/integration/test_jwt_integration.py`, 2026-01-29.
    "2d15d319399ba4f05216808896cc4f86500ccf3c793c13486b2452b2e294f782",
    // quiltdata/quilt: `CONFIGURATION_GUIDE.md` of the assistant's MCP client, 2025-09-24.
    "69681ae67fe1f7980a36a9cfe27c19600282090f85f1597df15709732849c8ce",
    // quiltdata/quilt: `docs/advanced-features/mcp-changelog.md`, 2025-09-24.
    "43fea6ac8b7be5f93bf757c8355b552a3f32473001387de66c6373dcf72a898f",
    // quiltdata/quilt: `CONFIGURATION_GUIDE.md` of the assistant's MCP client, 2025-09-24.
    "f0b531bce366ef8932aa555d7f6700db0e941bc861b3a75088a898d283f16aca",
    // quiltdata/quilt: `CONFIGURATION_GUIDE.md` of the assistant's MCP client, 2025-09-24.
    "ed8c16b4b1833efab07c4e99c459d648db519b9be94725f9853a938665395af4",
    // quiltdata/quilt-mcp-server: `env.example` and the default of `bearer_auth_service.py`, 2025-09-24; too short as it is, and named for what it is.
    "f382ffec1d49713ea63c063a5a3e76ddc2822a4caa244c4e1b5675d8ce1a4145",
    // quiltdata/quilt-mcp-server: `auth/jwt_discovery.py`, the default of its test tokens, 2026-02-09.
    "7da2c450887276eb856f2fce4c455253a74b877c89f6c6b75e933efddf26c18b",
    // The example of the debugger at jwt.io.
    "465d9ad5d5528ebe287b5dce4fb51620833d09b290e49ddcc70ca6c4a0aea01b",
    // The earlier example of the debugger at jwt.io.
    "f7d838701b86c5dfb57bf95fbc5ce6df204cfc9f15ad6cdb39fd22f8776e47b6",
    // The key of RFC 7515, appendix A.1.
    "8b1b17a9740c068accab5c3d0d652c8e3cc13206e70bb73b42ea41d4c2de3c12",
    // The key of RFC 7520, section 3.5.
    "0330b11998cbc9abd5a585e755cb5df2f73f1a5632fdcc2abb19e05e3eceddb9",
];

/// Whether the secret, without outer white space, was published.
pub(super) fn is_published(secret: &str) -> bool {
    let mut hash = String::new();
    for byte in Sha256::digest(secret.trim().as_bytes()) {
        let _ = write!(hash, "{byte:02x}");
    }
    PUBLISHED.contains(&hash.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_secret_is_known_by_its_hash() {
        assert!(is_published("your-256-bit-secret") && is_published(" your-256-bit-secret\n"));
        assert!(!is_published("your-256-bit-secret2") && !is_published(""));
    }
}
