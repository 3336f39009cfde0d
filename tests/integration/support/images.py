"""Test data: container images and large files, the same bytes in every run."""

import hashlib
import io
import json
import pathlib
import random
import tarfile

from .programs import run_program

BLOCK = 1 << 20


def random_bytes(size, seed):
    return random.Random(seed).randbytes(size)


def write_random_file(path, size, seed):
    """Incompressible bytes in which no two blocks are alike, at the speed of the disk.

    One block is drawn and then rotated by a different distance each time, behind its number: parts
    that come back in the wrong order or twice cannot pass for right.
    """
    block = random_bytes(BLOCK, seed)
    with open(path, "wb") as file:
        for number in range((size + BLOCK - 1) // BLOCK):
            turn = (number * 7919) % BLOCK
            turned = number.to_bytes(8, "big") + block[turn:] + block[:turn]
            file.write(turned[:min(BLOCK, size - number * BLOCK)])


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(BLOCK):
            digest.update(chunk)
    return digest.hexdigest()


def make_image(space, name, layer_sizes, seed):
    """An OCI image made by umoci, a layer of random bytes for each size; gives "directory:tag"."""
    layout = space.path / name
    environment = space.environment()

    def umoci(*arguments):
        run_program("umoci", *arguments, env=environment)

    umoci("init", "--layout", layout)
    umoci("new", "--image", f"{layout}:v1")
    for number, size in enumerate(layer_sizes):
        layer = space.path / f"{name}-layer.tar"
        _write_layer(layer, f"data/layer-{number}", size, random.Random(f"{seed}/{number}"))
        umoci("raw", "add-layer", "--image", f"{layout}:v1", layer)
        layer.unlink()
    return f"{layout}:v1"


def blob_digests(layout):
    """The sha256 digests of every blob of an image (manifest, configuration, layers)."""
    directory = layout.rsplit(":", 1)[0]
    manifest = _read_tagged_manifest(directory)
    blobs = [manifest["digest"], manifest["content"]["config"]["digest"]]
    blobs += [layer["digest"] for layer in manifest["content"]["layers"]]
    return [digest.removeprefix("sha256:") for digest in blobs]


def _read_tagged_manifest(directory):
    root = pathlib.Path(directory)
    digest = json.loads((root / "index.json").read_text())["manifests"][-1]["digest"]
    blob = root / "blobs" / digest.replace(":", "/")
    return {"digest": digest, "content": json.loads(blob.read_text())}


def _write_layer(path, member, size, source):
    info = tarfile.TarInfo(member)
    info.size = size
    with tarfile.open(path, "w") as archive:
        archive.addfile(info, _RandomReader(source, size))


class _RandomReader(io.RawIOBase):
    def __init__(self, source, size):
        self._source, self._left = source, size

    def read(self, count=-1):
        count = self._left if count < 0 else min(count, self._left)
        self._left -= count
        return self._source.randbytes(count)
