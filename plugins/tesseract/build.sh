#!/usr/bin/env bash
# Makes a package of Tesseract that `untxt plugin install` takes.
#
#   build.sh FOLDER [LANGUAGE…]
#
# FOLDER gets the component, its plugin.toml, a model for each LANGUAGE, which is
# called as in the package tesseract-ocr-LANGUAGE: eng, deu, chi-sim, and a scan to
# try it on. Without a LANGUAGE it is eng. Sources and models come from the distribution
# this runs on, Debian 12 or a later one. As root it installs the packages that
# are missing, otherwise it says which.
#
# UNTXT names the program `untxt`, where it is not on the PATH; `untxt-kit` has to be
# beside it or on the PATH. JOBS says how many
# compilers run at once; UNTXT_TESSERACT_WORK where they leave what they make,
# so that a second build has little to do.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
. "$here/apt.sh"
[ $# -ge 1 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$here/build.sh" >&2; exit 2; }
mkdir -p "$1"
package=$(cd "$1" && pwd)
shift
languages=("${@:-eng}")
llvm=19
need "clang-$llvm" "lld-$llvm" "libc++-$llvm-dev-wasm32" "libc++abi-$llvm-dev-wasm32" \
  "libclang-rt-$llvm-dev-wasm32" wasi-libc dpkg-dev
untxt=${UNTXT:-$(command -v untxt)} || { echo "no untxt on the PATH; UNTXT=… names it" >&2; exit 1; }

work=${UNTXT_TESSERACT_WORK:-}
# `untxt` refuses variables UNTXT_… that are no settings.
export -n UNTXT_TESSERACT_WORK
if [ -z "$work" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"/{source,include,objects,models}
work=$(cd "$work" && pwd)
cd "$work"

# --- what comes from the distribution

if [ ! -e source/complete ]; then
  own_apt "$work/apt"
  (
    cd source
    from_apt apt-get -qq source --download-only tesseract leptonlib
    # apt has checked the hashes and who signed them.
    for name in tesseract leptonlib; do dpkg-source --no-check -x "$name"_*.dsc "$name"; done
  ) > unpack.log 2>&1 || { cat unpack.log >&2; exit 1; }
  touch source/complete
fi
APT=$work/apt
for language in "${languages[@]}"; do
  [ -e "models/$language" ] && continue
  (
    cd apt
    from_apt apt-get -qq download "tesseract-ocr-$language"
    dpkg-deb -x "tesseract-ocr-$language"_*.deb "$work/models/$language"
  )
done
tesseract=$work/source/tesseract leptonica=$work/source/leptonlib
version=$(cat "$tesseract/VERSION")

# --- headers that the libraries' own build systems would make

IFS=. read -r major minor micro <<< "$version"
mkdir -p include/tesseract include/leptonica
sed "s/@GENERIC_MAJOR_VERSION@/$major/; s/@GENERIC_MINOR_VERSION@/$minor/; s/@GENERIC_MICRO_VERSION@/$micro/
  s/@PACKAGE_VERSION@/$version/" "$tesseract/include/tesseract/version.h.in" > include/tesseract/version.h
echo '#define L_LITTLE_ENDIAN' > include/endianness.h
# Without a system there is nothing to configure, and no threads and no network.
touch include/config_auto.h include/pthread.h include/netdb.h

"$untxt" plugin bindings "$work/contract" > bindings.log || { cat bindings.log >&2; exit 1; }

# --- objects

# All is optimised as one program when it is linked: each call of a function asks whether the engine's time is over, so
# the small ones have to go where they are used, virtual ones too.
flags=(--target=wasm32-wasi -O3 -flto -fwhole-program-vtables -fvisibility=hidden -DNDEBUG -w
  -msimd128 -mbulk-memory -mnontrapping-fptoint -msign-ext
  "-ffile-prefix-map=$work=." "-ffile-prefix-map=$here=plugin" -DHAVE_CONFIG_H
  -D_WASI_EMULATED_PROCESS_CLOCKS -D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_GETPID
  -include "$here/platform.h" "-I$work/include" "-I$leptonica/src")
cxx_flags=(-std=c++17 -fno-exceptions -DFAST_FLOAT=1 -DGRAPHICS_DISABLED=1 -DDISABLED_LEGACY_ENGINE=1
  -DTESSERACT_IMAGEDATA_AS_PIX=1 "-DPACKAGE_VERSION=\"$version\"" "-I$tesseract/include")
for folder in "$tesseract"/src/*/; do cxx_flags+=("-I${folder%/}"); done

# What a library of Tesseract without its legacy engine consists of, as its CMakeLists.txt has it, besides the kernels
# for other processors.
recogniser() {
  local legacy
  legacy=$(sed -n '/^set(TESSERACT_SRC_LEGACY/,/)/p' "$tesseract/CMakeLists.txt" | grep -o 'src/.*\.cpp')
  (
    cd "$tesseract"
    ls src/{ccmain,ccstruct,ccutil,classify,cutil,dict,lstm,textord,viewer,wordrec}/*.cpp \
      src/api/{baseapi,capi,*renderer}.cpp src/arch/{dotproduct,simddetect,intsimdmatrix}.cpp
  ) | grep -vxF "$legacy"
}

compile() { # compile SOURCE OBJECT FLAG…
  local source=$1 object=$2; shift 2
  [ "$object" -nt "$source" ] && [ "$object" -nt "$here/platform.h" ] && return
  case $source in
    *.c) "clang-$llvm" "${flags[@]}" "$@" -c "$source" -o "$object.part" ;;
    *) "clang++-$llvm" "${flags[@]}" "${cxx_flags[@]}" "$@" -c "$source" -o "$object.part" ;;
  esac
  mv "$object.part" "$object"
}

objects=() compilers=()
queue() { # queue SOURCE OBJECT FLAG…: compiles it beside the others
  objects+=("objects/$2")
  while [ "$(jobs -rp | wc -l)" -ge "${JOBS:-$(nproc)}" ]; do wait -n || true; done
  compile "$1" "objects/$2" "${@:3}" &
  compilers+=($!)
}

echo "compiling Tesseract $version; some minutes"
for source in "$leptonica"/src/*.c; do queue "$source" "leptonica-$(basename "$source").o"; done
while read -r source; do queue "$tesseract/$source" "tesseract-${source//\//-}.o"; done < <(recogniser)
for source in "$here"/*.c "$here"/*.cpp; do queue "$source" "$(basename "$source").o" "-I$work/contract"; done
for source in "$work"/contract/*.c; do queue "$source" "contract-$(basename "$source").o" "-I$work/contract"; done
# 127: its number was given to another process since, and how it ended is forgotten; an object that it did not make is
# missing when they are linked.
for compiler in "${compilers[@]}"; do wait "$compiler" || [ $? -eq 127 ]; done

# --- the package

# Without -O: with it clang runs a wasm-opt that happens to be there, for nothing that could be measured.
"clang++-$llvm" --target=wasm32-wasi -mexec-model=reactor -flto -Wl,--lto-O3 -s -Wl,-z,stack-size=8388608 \
  "${objects[@]}" contract/ocr_engine_component_type.o -o core.wasm \
  -lwasi-emulated-process-clocks -lwasi-emulated-signal -lwasi-emulated-getpid
"$untxt" plugin pack core.wasm "$package/tesseract.wasm"

{
  sed "s/VERSION/$version/; s/SHA256/$(sha256sum < "$package/tesseract.wasm" | cut -d' ' -f1)/" "$here/plugin.toml.in"
  for language in "${languages[@]}"; do
    for model in "models/$language"/usr/share/tesseract-ocr/*/tessdata/*.traineddata; do
      file=$(basename "$model")
      install -m 644 "$model" "$package/$file"
      printf '\n[[assets]]\nname = "%s"\nfile = "%s"\nsha256 = "%s"\n' "${file%.traineddata}" "$file" \
        "$(sha256sum < "$model" | cut -d' ' -f1)"
    done
  done
} > "$package/plugin.toml"
cat source/{tesseract,leptonlib}/debian/copyright > "$package/copyright"
# A page of a book of 1864 at 300 dpi, one of the pictures that Leptonica is tried on.
install -m 644 "$leptonica/prog/lucasta.1.300.tif" "$package/scan.tif"
echo "$package: Tesseract $version for ${languages[*]}"
