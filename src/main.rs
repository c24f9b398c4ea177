//! The `quilt-mcp` binary: parse, dispatch.

/// Calls make and drop many small things on several threads, and some large ones.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let cli = quilt_mcp::cli::parse();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(quilt_mcp::cli::run(cli))
}
