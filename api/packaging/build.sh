#!/usr/bin/env bash
# Builds the packages whose tools are here: a Debian package with cargo-deb, and an
# image with Docker or Podman. Says which tools are missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo xtask release --check

if command -v cargo-deb >/dev/null; then
  cargo deb -p untxt --locked "$@"
else
  echo "skipped: the Debian package needs cargo-deb (cargo install cargo-deb)"
fi

version=$(cargo xtask release)
version=${version%%$'\n'*}
file=api/packaging/Containerfile
if command -v podman >/dev/null && podman info >/dev/null 2>&1; then
  podman build --format docker --ignorefile "$file.dockerignore" -f "$file" -t "untxt:$version" .
elif command -v docker >/dev/null && docker info >/dev/null 2>&1; then
  DOCKER_BUILDKIT=1 docker build -f "$file" -t "untxt:$version" .
else
  echo "skipped: the image needs Docker or Podman, and a running engine"
fi
