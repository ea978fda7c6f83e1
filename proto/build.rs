//! Compiles the contracts with protox (no protoc on a fresh machine) and keeps the descriptor set.

use std::{env, error::Error, fs, path::PathBuf};

const FILES: &[&str] = &[
    "mpp/options/v1/options.proto",
    "mpp/common/v1/common.proto",
    "mpp/identity/v1/identity.proto",
    "mpp/queue/v1/queue.proto",
    "mpp/documents/v1/documents.proto",
    "mpp/complaints/v1/complaints.proto",
    "mpp/notifications/v1/notifications.proto",
];

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script where it is by the environment")]
fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    println!("cargo:rerun-if-changed={}", root.join("mpp").display());
    println!("cargo:rerun-if-changed={}", root.join("google").display());
    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;
    // The encoded form keeps custom options and comments; the prost form drops them.
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("descriptor.bin"),
        compiler.encode_file_descriptor_set(),
    )?;
    let mut config = prost_build::Config::new();
    config.skip_protoc_run();
    tonic_prost_build::configure()
        .build_server(true)
        .build_client(true)
        .compile_fds_with_config(compiler.file_descriptor_set(), config)?;
    Ok(())
}
