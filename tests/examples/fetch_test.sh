#!/bin/sh
# The example fetches a file from a server, says how long it is, and reports a missing one:
# fetch_test.sh EXAMPLE
set -eu
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
mkdir "$folder/served"
head -c 3000001 /dev/urandom >"$folder/served/from"
mkfifo "$folder/says"
/usr/bin/python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$folder/served" >"$folder/says" 2>/dev/null &
server=$!
# "Serving HTTP on 127.0.0.1 port 40123 (http://127.0.0.1:40123/) ..."
read -r _ _ _ _ _ port _ <"$folder/says"
url="http://127.0.0.1:$port"
[ "$("$1" "$url/from" "$folder/to")" = "3000001 bytes" ]
cmp "$folder/served/from" "$folder/to"
if "$1" "$url/none" "$folder/none" 2>"$folder/error"; then exit 1; fi
grep -q "$url/none answered 404" "$folder/error"
