//! The `quilt-mcp` binary: parse, dispatch.

use std::process::ExitCode;

/// Calls make and drop many small things on several threads, and some large ones.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<ExitCode> {
    let cli = quilt_mcp::cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(quilt_mcp::cli::run(cli));
    // Nothing that still runs, such as the resolution of a name, holds up the end.
    runtime.shutdown_background();
    Ok(quilt_mcp::cli::end(result))
}
