#!/bin/sh
# Builds every guest into plugins/guests/built, with its lock.
#
#   build.sh                   build all, replace the artefacts and the lock
#   build.sh --check           only say whether sources and artefacts are those of
#                              the lock
#   build.sh --compare FOLDER  build all into FOLDER; fails where the lock's own
#                              tools now make other bytes; exit code 3 says that
#                              no rustc here can build
#
# Needs either rustup's target (`rustup target add wasm32-unknown-unknown`), or
# a rustc that comes with its own library sources, as Debian's does
# (`apt-get install rustc-web rust-web-src`), next to rustup's cargo and its
# rust-lld. CARGO_TARGET_DIR is respected; UNTXT_WASM_RUSTC names another rustc.
set -eu

guests=$(cd "$(dirname "$0")" && pwd)
target=wasm32-unknown-unknown
names="dial flaky form garbage grow hostile line-count model old-version ppocr qwen3-vl reader refuse simulated-qwen3 slow spin take trap"
cd "$guests"
: "${CARGO_TARGET_DIR:=$guests/target}"
mkdir -p "$CARGO_TARGET_DIR"
CARGO_TARGET_DIR=$(cd "$CARGO_TARGET_DIR" && pwd)
export CARGO_TARGET_DIR
cargo_home=${CARGO_HOME:-$HOME/.cargo}

# `componentize` runs here and optimises nothing: the plain toolchain, dev profile.
componentize() {
    cargo run --quiet --locked -p componentize -- "$@"
}

folder=
case ${1:-} in
--check)
    componentize check "$guests"
    exit
    ;;
--compare)
    mkdir -p "$2"
    folder=$(cd "$2" && pwd)
    ;;
esac

sysroot=$(rustc --print sysroot)
host=$(rustc -vV | sed -n 's/^host: //p')
linker=$sysroot/lib/rustlib/$host/bin/rust-lld
if [ -d "$(rustc --print target-libdir --target $target)" ]; then
    rustc=rustc
    std=
else
    rustc=
    for candidate in "${UNTXT_WASM_RUSTC:-}" /usr/lib/rust-web/bin/rustc /usr/bin/rustc; do
        [ -x "$candidate" ] || continue
        [ -d "$("$candidate" --print sysroot)/lib/rustlib/src/rust/library" ] || continue
        rustc=$candidate
        break
    done
    if [ -z "$rustc" ]; then
        echo "build.sh: no rustc here can build for $target." >&2
        echo "Run 'rustup target add $target', or 'apt-get install rustc-web rust-web-src'." >&2
        exit 3
    fi
    std="-Zbuild-std=std,panic_abort -Zbuild-std-features="
    export RUSTC_BOOTSTRAP=1
fi
if [ ! -x "$linker" ]; then
    echo "build.sh: rustup's linker is missing at $linker; install Rust with rustup." >&2
    exit 3
fi

# Cargo names a crate outside its workspace's folder by its absolute path, and
# that name changes the bytes. So a copy is built in which the SDK lies inside,
# and the same sources and tools give the same artefacts in any folder. The
# reader's weights lie outside, as in the repository.
rm -rf "$CARGO_TARGET_DIR/stage"
stage=$CARGO_TARGET_DIR/stage/guests
mkdir -p "$stage" "$CARGO_TARGET_DIR/stage/reader"
cp -Rp ../reader/model "$CARGO_TARGET_DIR/stage/reader/"
sed 's|"\.\./sdk"|"sdk"|' Cargo.toml > "$stage/Cargo.toml"
cp -p Cargo.lock "$stage/"
cp -Rp ../sdk ../wit "$stage/"
sed '/^workspace = /d' ../sdk/Cargo.toml > "$stage/sdk/Cargo.toml"
for package in */Cargo.toml; do cp -Rp "${package%/*}" "$stage/"; done

# Networks are read with vectors of 128 bits, which every host of components has.
# Messages of a panic name files; no machine's folders go into an artefact.
flags="-C target-feature=+simd128 --remap-path-prefix=$stage=plugins"
flags="$flags --remap-path-prefix=$("$rustc" --print sysroot)/lib/rustlib/src/rust=rust"
for registry in "$cargo_home"/registry/src/*; do
    flags="$flags --remap-path-prefix=$registry=registry"
done

packages=
for name in $names; do packages="$packages -p $name"; done
(
    cd "$stage"
    # shellcheck disable=SC2086 # words, not one argument
    RUSTC=$rustc RUSTFLAGS=$flags CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker \
        cargo build --release --locked --target $target $std $packages
)

unset RUSTC_BOOTSTRAP
modules=$CARGO_TARGET_DIR/$target/release
rustc_name=$("$rustc" -vV)
linker_name=$("$linker" -flavor wasm --version)
# shellcheck disable=SC2086 # words, not one argument
if [ -n "$folder" ]; then
    componentize compare "$guests" "$modules" "$folder" "$rustc_name" "$linker_name" $names
else
    componentize write "$guests" "$modules" "$rustc_name" "$linker_name" $names
fi
