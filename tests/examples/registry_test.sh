#!/bin/sh
# The example says where a client is sent, without a server, and which line of a file is wrong:
# registry_test.sh EXAMPLE
set -eu
unset $(env | sed -n 's/^\(REGISTRY_[A-Z0-9_]*\)=.*/\1/p')
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/config.yml" <<END
version: 0.1
storage:
  s3:
    regionendpoint: http://127.0.0.1:9
    bucket: images
    accesskey: key
    secretkey: secret
END
"$1" "$folder/config.yml" /docker/registry/v2/blob | grep -q '^http://127.0.0.1:9/images/docker/registry/v2/blob?X-Amz-'
echo '    regoin: us-east-1' >>"$folder/config.yml"
if "$1" "$folder/config.yml" /docker/registry/v2/blob 2>"$folder/error"; then exit 1; fi
grep -q 'config.yml:8: storage.s3: parameter regoin is unknown' "$folder/error"
