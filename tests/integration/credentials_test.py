"""The tool finds its key wherever AWS's chain has one: profiles, a program, a container's agent, EC2's
metadata service, a role of STS (the services played by this test); and says where it looked when there
is none, without a secret.

Usage: credentials_test.py RINGPULL
"""

import contextlib
import http.server
import json
import sys
import threading

from support.checks import check, check_equal, run_test, step
from support.programs import run_program
from support.sandbox import Sandbox
from support.workspace import Workspace

BUCKET = "keys"
DENIED = 4  # exit code, as documented
TOKEN = "token-of-the-metadata-service"


class Agent(http.server.BaseHTTPRequestHandler):
    """EC2's metadata service, ECS's agent and STS in one, with the sandbox's key."""

    def log_message(self, *_):
        pass

    def reply(self, status, text, **headers):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def document(self):
        key = self.server.key
        return json.dumps({"Code": "Success", "AccessKeyId": key.access_key,
                           "SecretAccessKey": key.secret_key,
                           "Expiration": "2999-01-01T00:00:00Z"})

    def do_PUT(self):
        self.server.asked.append(self.path)
        self.reply(200, TOKEN, X_aws_ec2_metadata_token_ttl_seconds="21600")

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path == "/container":
            proof, expected = self.headers["Authorization"], "agent-token"
        else:
            proof, expected = self.headers["X-aws-ec2-metadata-token"], TOKEN
        if proof != expected:
            self.reply(401, "")
        elif self.path.endswith("security-credentials/"):
            self.reply(200, "puller")
        else:
            self.reply(200, self.document())

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append(form)
        action = form.split("&")[0].split("=")[1]
        key = self.server.key
        self.reply(200, f"<{action}Response><{action}Result><Credentials><AccessKeyId>"
                        f"{key.access_key}</AccessKeyId><SecretAccessKey>{key.secret_key}"
                        "</SecretAccessKey><SessionToken></SessionToken><Expiration>"
                        f"2999-01-01T00:00:00Z</Expiration></Credentials></{action}Result>"
                        f"</{action}Response>")


@contextlib.contextmanager
def agent(key):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Agent)
    server.key, server.asked = key, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Tool:
    def __init__(self, executable, space, key):
        self._executable, self._space, self._key = executable, space, key

    def ls(self, *options, expect=0, **variables):
        """`ls` of the bucket, with nothing but these variables and files."""
        variables.setdefault("AWS_EC2_METADATA_DISABLED", "true")
        if "--endpoint" not in options:
            options = ("--endpoint", self._key.url, *options)
        done = run_program(self._executable, "ls", "--region", self._key.region, *options, f"s3://{BUCKET}/", expect=expect,
                           env=self._space.environment(**variables))
        check(self._key.secret_key not in done.out + done.err, "the secret key shows")
        return done


def check_places(tool, space, key, services):
    home = space.directory("home")
    (home / ".aws").mkdir(exist_ok=True)
    config, credentials = home / ".aws" / "config", home / ".aws" / "credentials"
    keys = f"aws_access_key_id = {key.access_key}\naws_secret_access_key = {key.secret_key}\n"
    document = space.path / "keys.json"
    document.write_text(json.dumps({"Version": 1, "AccessKeyId": key.access_key,
                                    "SecretAccessKey": key.secret_key}))
    token = space.path / "token"
    token.write_text("agent-token\n")
    with step("environment"):
        tool.ls(AWS_ACCESS_KEY_ID=key.access_key, AWS_SECRET_ACCESS_KEY=key.secret_key)
    with step("EC2"):
        tool.ls(AWS_EC2_METADATA_DISABLED="false",
                AWS_EC2_METADATA_SERVICE_ENDPOINT=services.url)
        check_equal(services.asked.pop(0), "/latest/api/token", "first request to EC2")
    with step("container"):
        tool.ls(AWS_CONTAINER_CREDENTIALS_FULL_URI=services.url + "/container",
                AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token))
        check_equal(services.asked[-1], "/container", "request to the agent")
    with step("web identity"):
        tool.ls(AWS_WEB_IDENTITY_TOKEN_FILE=str(token), AWS_ROLE_ARN="arn:aws:iam::1:role/r",
                AWS_ENDPOINT_URL_STS=services.url)
        check("Action=AssumeRoleWithWebIdentity" in services.asked[-1], services.asked[-1])
    with step("profiles"):
        credentials.write_text(f"[default]\n{keys}[base]\n{keys}")
        config.write_text("[profile role]\nrole_arn = arn:aws:iam::1:role/r\n"
                          "source_profile = base\n[profile program]\n"
                          f"credential_process = cat '{document}'\n")
        tool.ls()
        tool.ls("--profile", "program")
        tool.ls(AWS_PROFILE="program")
        tool.ls("--profile", "role", AWS_ENDPOINT_URL_STS=services.url)
        check("Action=AssumeRole&" in services.asked[-1], services.asked[-1])
        # A wrong key in the environment does not win over a profile that is named.
        tool.ls("--profile", "base", AWS_ACCESS_KEY_ID="WRONG", AWS_SECRET_ACCESS_KEY="wrong")
    with step("a profile that is not there"):
        done = tool.ls("--profile", "gone", expect=DENIED)
        check('profile "gone" is not in' in done.err, done.err)
    credentials.unlink()
    config.unlink()


class PublicBucket(http.server.BaseHTTPRequestHandler):
    """An empty bucket that anyone may list; keeps what Authorization came."""

    def do_GET(self):
        self.server.authorizations.append(self.headers["Authorization"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")

    def log_message(self, *_arguments):
        pass


def check_unsigned(tool, key):
    done = tool.ls("--no-sign-request", expect=DENIED)
    check("AccessDenied" in done.err, f"the sandbox did not refuse: {done.err}")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), PublicBucket) as server:
        server.authorizations = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        public = ("--endpoint", f"http://127.0.0.1:{server.server_port}")
        # Keys that are there are not used either.
        tool.ls("--no-sign-request", *public, AWS_ACCESS_KEY_ID=key.access_key,
                AWS_SECRET_ACCESS_KEY=key.secret_key)
        server.shutdown()
    check_equal(server.authorizations, [None], "Authorization of the requests")


def test(executable):
    with Workspace() as space:
        with step("the sandbox starts"):
            key = Sandbox(space, executable, buckets=(BUCKET,)).endpoint
        tool = Tool(executable, space, key)
        with agent(key) as services:
            check_places(tool, space, key, services)
        with step("nowhere"):
            done = tool.ls(expect=DENIED)
            check_equal(done.err.count("\n"), 1, f"lines on stderr: {done.err}")
            for text in ("no credentials were found", "environment", "web identity",
                         'profile "default"', "container", "EC2 metadata service"):
                check(text in done.err, f"{text!r} is missing: {done.err}")
            print(f"    {done.err.strip()}")
        with step("--no-sign-request"):
            check_unsigned(tool, key)


if __name__ == "__main__":
    run_test("credentials", lambda: test(sys.argv[1]), seconds_max=60)
