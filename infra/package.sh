#!/usr/bin/env bash
# Builds the Lambda functions for release: dist/bluetick-<version>-<arch>/ with one folder for each function, SHA256SUMS and a software bill of
# materials, and the same as .tar.gz. Building the same commit with the same toolchain twice gives the same bytes.
#   ARCH      arm64 (default) or x86_64
#   DIST      directory of the result (default: dist)
#   ARCHIVE   no: leave the .tar.gz out, which a deployment from this machine does not need
set -euo pipefail
cd "$(dirname "$0")/.."
source infra/toolchain.sh
: "${DIST:=dist}" "${ARCHIVE:=yes}"

functions=(ingest transform sweep)
# The packages are named, so that features that only the command-line tool needs are left out.
options=(--release --locked --compiler cargo --package bluetick-ingest --package bluetick-transform)
if [ "$target" != "$host" ]; then
    options+=(--target "$target")
fi
for function in "${functions[@]}"; do
    options+=(--bin "$function")
done
# Paths of this machine would be part of the binaries (in panic messages) and make them differ from those of another machine.
cargo_home=${CARGO_HOME:-${HOME:-}/.cargo}
export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=/bluetick --remap-path-prefix=$cargo_home=/cargo"
cargo lambda build "${options[@]}"

name=$(ARCH=$ARCH infra/release_name.sh)
release=$DIST/$name
rm -rf "$release"
for function in "${functions[@]}"; do
    install -D --mode=755 "target/lambda/$function/bootstrap" "$release/$function/bootstrap"
done
python3 infra/bill_of_materials.py --target "$target" --output "$release/bluetick.cdx.json" "${functions[@]}"
(cd "$release" && sha256sum -- */bootstrap bluetick.cdx.json >SHA256SUMS)
python3 infra/check_binaries.py --architecture "$ARCH" "$release"/*/bootstrap
if [ "$ARCHIVE" = no ]; then
    exit 0
fi
tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu --directory "$DIST" "$name" | gzip --no-name --best >"$release.tar.gz"
(cd "$DIST" && sha256sum -- "$name.tar.gz" >"$name.tar.gz.sha256")
echo "$release.tar.gz $(cut -d' ' -f1 "$release.tar.gz.sha256")"
