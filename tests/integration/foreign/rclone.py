"""rclone at work."""

from support.checks import check, check_equal, step
from support.images import sha256_of, write_random_file
from support.programs import run_program

BUCKET = "rclone"
MIB = 1 << 20


class Rclone:
    """The remote is called s3: and comes from environment variables."""

    def __init__(self, space, endpoint):
        trust = {"RCLONE_CA_CERT": str(endpoint.ca)} if endpoint.ca else {}
        self._env = space.environment(
            RCLONE_CONFIG=str(space.path / "rclone.conf"), RCLONE_CONFIG_S3_TYPE="s3",
            RCLONE_CONFIG_S3_PROVIDER="Other", RCLONE_CONFIG_S3_ENDPOINT=endpoint.url,
            RCLONE_CONFIG_S3_REGION=endpoint.region, RCLONE_RETRIES="1",
            RCLONE_LOW_LEVEL_RETRIES="1", RCLONE_CONFIG_S3_ACCESS_KEY_ID=endpoint.access_key,
            RCLONE_CONFIG_S3_SECRET_ACCESS_KEY=endpoint.secret_key, **trust)

    def __call__(self, *arguments, expect=0, stdin=None):
        return run_program("rclone", *arguments, env=self._env, expect=expect, stdin=stdin)


def work(server):
    rclone, space = Rclone(server.space, server.endpoint), server.space
    (space.path / "rclone.conf").touch()
    with step("rclone: a tree there and back"):
        tree, back = space.directory("rclone-tree"), space.path / "rclone-back"
        for name in ("a", "b c + d", "sub/ключ", "sub/deep/d"):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(f"this is {name}")
        rclone("mkdir", f"s3:{BUCKET}")
        rclone("copy", tree, f"s3:{BUCKET}/tree")
        rclone("check", tree, f"s3:{BUCKET}/tree")
        for version in ("1", "2"):
            listed = rclone("lsf", "-R", "--files-only", "--s3-list-version", version,
                            f"s3:{BUCKET}/tree").out.splitlines()
            check_equal(sorted(listed), ["a", "b c + d", "sub/deep/d", "sub/ключ"],
                        f"lsf by list version {version}")
        rclone("copy", f"s3:{BUCKET}/tree", back)
        rclone("check", tree, back)
    with step("rclone: 22 MiB in parts"):
        large = space.path / "rclone-large"
        write_random_file(large, 22 * MIB + 3, seed=61)
        parts = ("--s3-upload-cutoff", "5Mi", "--s3-chunk-size", "5Mi",
                 "--s3-upload-concurrency", "4", "--s3-copy-cutoff", "8Mi")
        rclone("copyto", *parts, large, f"s3:{BUCKET}/large")
        rclone("copyto", *parts, f"s3:{BUCKET}/large", f"s3:{BUCKET}/copy")  # UploadPartCopy
        rclone("copyto", "--multi-thread-cutoff", "5Mi", "--multi-thread-streams", "4",
               f"s3:{BUCKET}/copy", space.path / "rclone-large-back")
        check_equal(sha256_of(space.path / "rclone-large-back"), sha256_of(large),
                    "sha256 of what came back")
    with step("rclone: pipe, move, wrong secret, purge"):
        rclone("rcat", f"s3:{BUCKET}/piped", stdin=b"through a pipe")
        rclone("moveto", f"s3:{BUCKET}/piped", f"s3:{BUCKET}/moved")
        check_equal(rclone("cat", f"s3:{BUCKET}/moved").out, "through a pipe", "cat")
        check_equal(rclone("cat", "--offset", "8", "--count", "1", f"s3:{BUCKET}/moved").out, "a",
                    "cat of one byte")
        refused = Rclone(space, server.endpoint.with_(secret_key="w" * 40))(
            "lsf", f"s3:{BUCKET}", expect=None)
        check(refused.code != 0 and "SignatureDoesNotMatch" in refused.err,
              f"lsf with a wrong secret\n{refused}")
        rclone("purge", f"s3:{BUCKET}")
        check(BUCKET not in rclone("lsf", "s3:").out, "purge left the bucket")
