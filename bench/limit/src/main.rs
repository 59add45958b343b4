//! The machine's limit for the transform: decompress the raw objects (libdeflate), skip over their JSON, and compress as many
//! bytes as the output has before compression (zstd level 1). No design that reads gzip NDJSON and writes zstd needs less.
//!
//! `machine-limit PLAIN_OUTPUT RAW.gz…`; the caller measures the process's CPU time.

use std::error::Error;
use std::fs;

use libdeflater::Decompressor;
use serde::de::IgnoredAny;

/// Bytes compressed at once: the size of a Parquet page.
const PAGE_BYTES: usize = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let output = fs::read(arguments.next().ok_or("usage: machine-limit PLAIN_OUTPUT RAW.gz...")?)?;
    let (mut text, mut lines) = (Vec::new(), 0_u64);
    for path in arguments {
        let compressed = fs::read(path)?;
        // The last four bytes of gzip: the size of the content (RFC 1952, 2.3.1).
        let size: [u8; 4] = compressed.last_chunk().copied().ok_or("not gzip")?;
        text.resize(u32::from_le_bytes(size) as usize, 0);
        let length = Decompressor::new().gzip_decompress(&compressed, &mut text)?;
        for line in text.get(..length).unwrap_or_default().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            serde_json::from_slice::<IgnoredAny>(line)?;
            lines += 1;
        }
    }
    let mut compressor = zstd::bulk::Compressor::new(1)?;
    let mut bytes = 0;
    for page in output.chunks(PAGE_BYTES) {
        bytes += compressor.compress(page)?.len();
    }
    println!("{lines} lines, {bytes} bytes");
    Ok(())
}
