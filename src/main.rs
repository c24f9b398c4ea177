//! The `quilt-mcp` binary: parse, dispatch.

fn main() -> anyhow::Result<()> {
    let cli = quilt_mcp::cli::parse();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(quilt_mcp::cli::run(cli))
}
