"""s3cmd at work."""

from support.checks import check, check_equal, step
from support.images import sha256_of, write_random_file
from support.programs import run_program

BUCKET = "s3cmd"
MIB = 1 << 20


class S3cmd:
    def __init__(self, space, endpoint):
        self._env = space.environment()
        self._configuration = space.path / f"s3cfg-{endpoint.secret_key[:4]}"
        self._configuration.write_text(f"""\
[default]
access_key = {endpoint.access_key}
secret_key = {endpoint.secret_key}
host_base = {endpoint.host}
host_bucket = {endpoint.host}
bucket_location = {endpoint.region}
use_https = {bool(endpoint.ca)}
ca_certs_file = {endpoint.ca or ""}
multipart_chunk_size_mb = 5
max_retries = 1
progress_meter = False
""")

    def __call__(self, *arguments, expect=0):
        return run_program("s3cmd", "--config", self._configuration, *arguments, env=self._env,
                           expect=expect)


def work(server):
    s3cmd, space = S3cmd(server.space, server.endpoint), server.space
    url = f"s3://{BUCKET}"
    with step("s3cmd: bucket, put, ls, get"):
        s3cmd("mb", url)
        check(url in s3cmd("ls").out, "the new bucket is not listed")
        source, back = space.path / "s3cmd-small", space.path / "s3cmd-back"
        source.write_text("a small file")
        s3cmd("put", source, f"{url}/dir/small ключ + x")
        check(f"{url}/dir/small ключ + x" in s3cmd("ls", f"{url}/dir/").out, "ls")
        s3cmd("get", f"{url}/dir/small ключ + x", back)
        check_equal(back.read_text(), "a small file", "get")
    with step("s3cmd: 12 MiB in parts"):
        large, large_back = space.path / "s3cmd-large", space.path / "s3cmd-large-back"
        write_random_file(large, 12 * MIB + 3, seed=51)
        s3cmd("put", large, f"{url}/large")
        s3cmd("cp", f"{url}/large", f"{url}/large-copy")
        s3cmd("mv", f"{url}/large-copy", f"{url}/moved")
        s3cmd("get", f"{url}/moved", large_back)
        check_equal(sha256_of(large_back), sha256_of(large), "sha256 of what came back")
        check_equal(s3cmd("du", url).out.split()[0], str(2 * (12 * MIB + 3) + 12), "du")
        check_equal(s3cmd("multipart", url).out.count("\n"), 2, "lines about uploads under way")
    with step("s3cmd: sync"):
        tree, tree_back = space.directory("s3cmd-tree"), space.directory("s3cmd-tree-back")
        for name in ("a", "b c", "ключ"):
            (tree / name).write_text(f"this is {name}")
        s3cmd("sync", f"{tree}/", f"{url}/tree/")
        s3cmd("sync", f"{url}/tree/", f"{tree_back}/")
        for path in tree.iterdir():
            check_equal((tree_back / path.name).read_text(), path.read_text(), path.name)
    with step("s3cmd: wrong secret"):
        refused = S3cmd(space, server.endpoint.with_(secret_key="w" * 40))("ls", url, expect=None)
        check(refused.code != 0 and "403" in refused.err, f"ls with a wrong secret\n{refused}")
    with step("s3cmd: del and rb"):
        s3cmd("del", "--recursive", "--force", url)
        check_equal(s3cmd("ls", "--recursive", url).out, "", "ls of the emptied bucket")
        s3cmd("rb", url)
