# The server's container: built on Debian 12, run on the same Debian without a shell or a package manager.
#
# Nothing is cross-compiled: each platform is built on a machine of its own kind, so `docker build` makes an image for the
# machine that it runs on. Whoever changes a tag takes the digest of its index, which names every platform:
#   docker buildx imagetools inspect rust:1.95.0-slim-bookworm

FROM rust:1.95.0-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082 AS tools
WORKDIR /build
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo install --locked --version 0.1.78 cargo-chef \
    && cargo install --locked --version 0.7.7 cargo-auditable

FROM tools AS planner
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM tools AS builder
COPY --from=planner /build/recipe.json recipe.json
# The dependencies, a layer that lasts until Cargo.lock changes.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo chef cook --locked --release --no-default-features --package quilt-mcp --bin quilt-mcp --recipe-path recipe.json
COPY . .
# The binary carries the list of what it was built from, where scanners look for it.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo auditable build --locked --release --no-default-features --package quilt-mcp --bin quilt-mcp

FROM tools AS dev-builder
COPY --from=planner /build/recipe.json recipe.json
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo chef cook --locked --release --package quilt-mcp --bin quilt-mcp --recipe-path recipe.json
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo auditable build --locked --release --package quilt-mcp --bin quilt-mcp

# glibc, libgcc and the CA certificates that TLS is checked against; nothing else of it is needed.
FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f AS base
LABEL org.opencontainers.image.title="quilt-mcp" \
      org.opencontainers.image.description="A stateless MCP server for the Quilt data catalog that acts on S3 as its caller" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="gcr.io/distroless/cc-debian12:nonroot"
ENV QUILT_MCP_HOST=0.0.0.0
EXPOSE 8000
# By number, so that orchestrators see that it is not root.
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
    CMD ["/usr/local/bin/quilt-mcp", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/quilt-mcp"]

# `docker build --target dev`: the development environment, with the embedded AWS, on one port.
FROM base AS dev
COPY --from=dev-builder --chmod=0555 /build/target/release/quilt-mcp /usr/local/bin/quilt-mcp
CMD ["dev", "--container"]

# The server, without the development environment.
FROM base
COPY --from=builder --chmod=0555 /build/target/release/quilt-mcp /usr/local/bin/quilt-mcp
CMD ["serve"]
