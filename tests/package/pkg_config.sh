#!/usr/bin/env bash
# Builds and runs the consumer with what pkg-config says, all libraries and each alone.
# pkg_config.sh FOLDER_OF_PC_FILES COMPILER SOURCE PROGRAM
set -euo pipefail
export PKG_CONFIG_PATH=$1
compiler=$2 source=$3 program=$4

# shellcheck disable=SC2046
"$compiler" -std=c++20 -O1 "$source" -o "$program" $(pkg-config --static --cflags --libs ringpull-s3 ringpull-cloudfront)
"$program"

for component in engine http s3 cloudfront; do
  # shellcheck disable=SC2046
  printf 'int main() {}\n' | "$compiler" -std=c++20 -x c++ - -x none -o "$program-$component" \
    -Wl,--whole-archive "$(pkg-config --variable=libdir "ringpull-$component")/libringpull_$component.a" \
    -Wl,--no-whole-archive $(pkg-config --static --cflags --libs "ringpull-$component")
  "$program-$component"
done
