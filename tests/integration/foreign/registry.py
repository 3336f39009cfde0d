"""Debian's docker-registry keeps an image on the server; skopeo pushes, pulls and deletes it."""

import pathlib

from support.checks import check_equal, step
from support.docker_registry import DockerRegistry
from support.endpoints import list_keys
from support.images import blob_digests, make_image

BUCKET = "registry-work"
LAYER_SIZES = (36 << 20, 20 << 20)  # above and below what is moved by UploadPartCopy in pieces


def work(server):
    client = server.new_bucket(BUCKET)
    image = make_image(server.space, "work-image", LAYER_SIZES, seed=71)
    back = f"{server.space.path}/work-back:v1"
    with step("registry: push"):
        registry = DockerRegistry(server.space, server.endpoint, BUCKET)
        registry.push(image, "lab/work:v1")
    with step("registry: pull"):
        registry.pull("lab/work:v1", back)
        check_equal(sorted(blob_files(back)), sorted(blob_digests(image)), "blobs that came back")
        check_equal(len(registry.inspect("lab/work:v1")["Layers"]), len(LAYER_SIZES), "layers")
    with step("registry: what is in the bucket"):
        stored = {key.split("/")[-2] for key in list_keys(client, BUCKET)
                  if "/blobs/sha256/" in key and key.endswith("/data")}
        check_equal(sorted(stored), sorted(blob_digests(image)), "blobs in the bucket")
        check_equal(client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []), [],
                    "uploads that the push left")
    with step("registry: the same image again, deleted"):
        registry.push(image, "lab/again:v1")
        registry.delete("lab/work:v1")
        registry.pull("lab/again:v1", f"{server.space.path}/work-again:v1")


def blob_files(layout):
    return [path.name for path in pathlib.Path(layout.rsplit(":", 1)[0]).glob("blobs/sha256/*")]
