#!/bin/sh
# Signs these files anew, with keys that are forgotten at the end. Needs minisign.
set -eu
cd "$(dirname "$0")"
keys=$(mktemp -d)
trap 'rm -r "$keys"' EXIT
for key in author stranger; do minisign -G -W -f -p "$key.pub" -s "$keys/$key.key"; done

sign() { # sign FILE KEY SIGNATURE [OPTION…]
  file=$1 key=$2 signature=$3
  shift 3
  minisign -S -s "$keys/$key.key" -x "$signature" -m "$file" -t "$file of the tests" "$@" < /dev/null
}
sign engine.wasm author engine.wasm.minisig
sign engine.wasm stranger stranger.minisig
sign engine.wasm author legacy.minisig -l
sign plugin.toml author plugin.toml.minisig
sign no-digest.toml author no-digest.toml.minisig
