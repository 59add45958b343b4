#!/usr/bin/env bash
# Prints the name of a release of this source: bluetick-<version>-<arch>.
#   ARCH   arm64 (default) or x86_64
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
echo "bluetick-${version:?Cargo.toml has no version}-${ARCH:-arm64}"
