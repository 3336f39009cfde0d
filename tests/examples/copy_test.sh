#!/bin/sh
# The example copies a file, says how long it is, and refuses to copy over one: copy_test.sh EXAMPLE
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
head -c 3000001 /dev/urandom >"$folder/from"
[ "$("$1" "$folder/from" "$folder/to")" = "3000001 bytes" ]
cmp "$folder/from" "$folder/to"
if "$1" "$folder/from" "$folder/to" 2>"$folder/error"; then exit 1; fi
grep -q "open $folder/to: File exists" "$folder/error"
