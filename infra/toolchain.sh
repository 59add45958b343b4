# Sourced by package.sh and deploy.sh: the target that the functions are built for, and whether this machine can build it.
# Nothing here downloads anything: without these checks cargo-lambda would install a missing target by itself.

: "${ARCH:=arm64}"
case "$ARCH" in
    arm64) target=aarch64-unknown-linux-gnu linker=aarch64-linux-gnu-gcc ;;
    x86_64) target=x86_64-unknown-linux-gnu linker=x86_64-linux-gnu-gcc ;;
    *)
        echo "ARCH must be arm64 or x86_64, not $ARCH" >&2
        exit 2
        ;;
esac
host=$(rustc --version --verbose | sed -n 's/^host: //p')
if [ "$ARCH" = arm64 ]; then other=x86_64; else other=arm64; fi

# Not `rustup target list`, because not every Rust comes from rustup.
if [ ! -d "$(rustc --print target-libdir --target "$target")" ]; then
    cat >&2 <<MESSAGE
The Rust target $target is not installed, and nothing was downloaded. Do one of these:
  rustup target add $target, then run this again (it also needs the linker $linker)
  build on a machine with an $ARCH processor
  ARCH=$other make deploy, which deploys functions for the other kind of processor
MESSAGE
    exit 3
fi
if [ "$target" != "$host" ]; then
    variable=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$target")_LINKER
    if [ -z "${!variable:-}" ]; then
        if ! command -v "$linker" >/dev/null; then
            echo "A linker for $target is missing: install $linker (Debian: gcc-${target%%-*}-linux-gnu) or set $variable to another one" >&2
            exit 3
        fi
        export "$variable=$linker"
    fi
fi
if ! command -v cargo-lambda >/dev/null; then
    echo "cargo-lambda is not on the PATH: run make .venv/ready" >&2
    exit 3
fi
# If cargo-lambda still finds the target missing, its attempt to download it fails.
export RUSTUP_DIST_SERVER=http://127.0.0.1:9
# The plain compiler instead of zig: nothing more to install, and the same linker as in the tests.
export CARGO_LAMBDA_COMPILER=cargo
