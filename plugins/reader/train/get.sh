#!/bin/sh
# Fetches the packages named in packages.txt with apt-get and unpacks them into CACHE/root; nothing is installed.
# Usage: get.sh CACHE
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=$1
mkdir -p "$cache/packages" "$cache/root"
cd "$cache/packages"
sed 's/#.*//; /^ *$/d' "$here/packages.txt" | while read -r name; do
    if ! ls "${name}"_*.deb >/dev/null 2>&1; then
        echo "$name"
    fi
done >"$cache/missing.txt"
if [ -s "$cache/missing.txt" ]; then
    xargs apt-get download -qq <"$cache/missing.txt"
fi
rm "$cache/missing.txt"
for package in ./*.deb; do
    if [ ! -e "$cache/root/.unpacked/$package" ]; then
        dpkg-deb --extract "$package" "$cache/root"
        mkdir -p "$cache/root/.unpacked"
        touch "$cache/root/.unpacked/$package"
    fi
done
for package in ./*.deb; do
    dpkg-deb --showformat '${Package} ${Version}\n' --show "$package"
done | sort >"$cache/versions.txt"
echo "$(wc -l <"$cache/versions.txt") packages unpacked in $cache/root"
