#!/usr/bin/env bash
# Refuses a tag that does not name the version of Cargo.toml: check_release_tag.sh v0.1.0
set -euo pipefail
cd "$(dirname "$0")/.."
name=$(infra/release_name.sh)
version=${name#bluetick-}
version=${version%-"${ARCH:-arm64}"}
if [ "${1:?a tag}" != "v$version" ]; then
    echo "the tag is $1, and Cargo.toml has the version $version: tag v$version, or change the version" >&2
    exit 1
fi
