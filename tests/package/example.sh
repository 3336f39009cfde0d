#!/usr/bin/env bash
# The example of the README, built as a user builds it, reads an object from the sandbox.
# example.sh RINGPULL EXAMPLE
set -euo pipefail
ringpull=$1 example=$2
folder=$(mktemp -d)
server=
stop() {
  if [[ -n "$server" ]]; then
    kill "$server" || true
    wait "$server" || true
  fi
  rm -rf "$folder"
}
trap stop EXIT

: >"$folder/facts"
"$ringpull" sandbox --json --port 0 --bucket images >"$folder/facts" &
server=$!
for ((tries = 0; tries < 400; ++tries)); do # 20 s
  grep -q '}$' "$folder/facts" && break
  kill -0 "$server" # it has ended: so do we
  read -r -t 0.05 <> <(:) || true
done
fact() { sed -nE "s/.*\"$1\": ?\"([^\"]*)\".*/\1/p" "$folder/facts"; }
endpoint=$(fact endpoint)
AWS_ACCESS_KEY_ID=$(fact access_key)
AWS_SECRET_ACCESS_KEY=$(fact secret_key)
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY

head -c 1234567 /dev/zero >"$folder/layer"
"$ringpull" put --endpoint "$endpoint" --region us-east-1 "$folder/layer" s3://images/layer
printed=$("$example" "$endpoint" images layer)
[[ "$printed" == "1234567 bytes" ]] || { echo "printed: $printed"; exit 1; }

if missing=$("$example" "$endpoint" images nothing 2>&1); then
  echo "a missing key was read: $missing"
  exit 1
fi
echo "the missing key: $missing"
