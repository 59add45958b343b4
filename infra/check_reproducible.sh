#!/usr/bin/env bash
# Packages the committed source twice, in two directories with names of different lengths, and compares the bytes. Takes two
# builds for release.
#   ARCH   arm64 or x86_64 (default: this machine's)
#   KEEP   a directory for both builds; else a temporary one, which is deleted
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${ARCH:-}" ]; then
    case "$(uname -m)" in aarch64 | arm64) ARCH=arm64 ;; *) ARCH=x86_64 ;; esac
fi
export ARCH
if [ -n "${KEEP:-}" ]; then
    mkdir -p "$KEEP"
    work=$(cd "$KEEP" && pwd)
else
    work=$(mktemp --directory)
    trap 'rm -rf "$work"' EXIT
fi
name=$(infra/release_name.sh)
for copy in a a-longer-name; do
    mkdir -p "$work/$copy"
    git archive HEAD | tar --extract --directory "$work/$copy"
    env --unset=CARGO_TARGET_DIR "$work/$copy/infra/package.sh"
done
first=$(cut -d' ' -f1 "$work/a/dist/$name.tar.gz.sha256")
second=$(cut -d' ' -f1 "$work/a-longer-name/dist/$name.tar.gz.sha256")
echo "$name.tar.gz $first and $second"
if [ "$first" != "$second" ]; then
    echo "two builds of one commit differ:" >&2
    diff "$work/a/dist/$name/SHA256SUMS" "$work/a-longer-name/dist/$name/SHA256SUMS" >&2 || true
    exit 1
fi
