#!/usr/bin/env bash
# Builds the Lambda functions for release and prints their sizes and checksums.
#   ARCH=arm64 (default) or x86_64
set -euo pipefail
cd "$(dirname "$0")/.."
source infra/toolchain.sh

functions=(ingest transform sweep)
options=(--release --locked --compiler cargo)
if [ "$target" != "$host" ]; then
    options+=(--target "$target")
fi
for function in "${functions[@]}"; do
    options+=(--bin "$function")
done
cargo lambda build "${options[@]}"

# provided.al2023 brings glibc 2.34: a binary that asks for more does not start there.
newest_glibc() {
    grep --text --only-matching 'GLIBC_2\.[0-9]*' "$1" | sort --unique --version-sort | tail -n 1
}

printf '%-10s %-6s %10s  %-12s %s\n' function arch bytes needs sha256
for function in "${functions[@]}"; do
    binary=target/lambda/$function/bootstrap
    needs=$(newest_glibc "$binary")
    printf '%-10s %-6s %10d  %-12s %s\n' "$function" "$ARCH" "$(stat --format=%s "$binary")" "$needs" "$(sha256sum "$binary" | cut -d' ' -f1)"
    if [ "$(printf '%s\nGLIBC_2.34\n' "$needs" | sort --version-sort | tail -n 1)" != GLIBC_2.34 ]; then
        echo "$binary needs $needs, and Lambda's provided.al2023 has GLIBC_2.34: build on an older distribution" >&2
        exit 4
    fi
done
