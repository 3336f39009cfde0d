"""Ceph's S3 gateway: one monitor, one object store in memory, one gateway; no manager, no cephx."""

import secrets
import signal
import uuid

from .checks import wait_until
from .endpoints import Endpoint
from .programs import run_program
from .workspace import accepts_connections

# Three lines are not obvious. Without the paxos ones the start takes ten seconds more. Without
# "ms mon client mode" the gateway asks for encryption, which needs cephx, and hangs. Without
# tcp_nodelay each small answer on a kept connection waits 40 ms for the peer's delayed ACK.
CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon_v2},v1:127.0.0.1:{mon_v1}]
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
run dir = {directory}/run
admin socket = {directory}/run/$name.asok
pid file = {directory}/run/$name.pid
log file = {directory}/$name.log
crash dir =
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
paxos propose interval = 0.02
paxos min wait = 0.01
[mon]
mon data = {directory}/mon
mon data avail crit = 1
[osd]
osd data = {directory}/osd
osd objectstore = {store}
memstore device bytes = 8589934592
bluestore block size = 34359738368
osd memory target = 1073741824
osd class load list = *
osd class default list = *
[client.rgw]
ms mon client mode = crc
rgw frontends = beast endpoint=127.0.0.1:{http} tcp_nodelay=1 ssl_endpoint=127.0.0.1:{https} \
ssl_certificate={certificate} ssl_private_key={key}
rgw enable gc threads = false
rgw enable lc threads = false
rgw enable quota threads = false
rgw enable usage log = false
rgw gc obj min wait = 0
"""


class Radosgw:
    """`endpoint` (http) and `secure_endpoint` (https), both path style on 127.0.0.1."""

    def __init__(self, space, on_disk=False):
        """Keeps objects in memory, 8 GiB at most; on disk 32 GiB, in a file that grows."""
        self._space = space
        self._directory = space.directory("radosgw")
        for name in ("mon", "osd", "run"):
            (self._directory / name).mkdir()
        certificates = space.certificates()
        self.http_port, self.https_port = space.free_port(), space.free_port()
        self._fsid, self._monitor_ports = uuid.uuid4(), (space.free_port(), space.free_port())
        (self._directory / "ceph.conf").write_text(CONFIGURATION.format(
            store="bluestore" if on_disk else "memstore", fsid=self._fsid,
            directory=self._directory, mon_v2=self._monitor_ports[0],
            mon_v1=self._monitor_ports[1], http=self.http_port, https=self.https_port,
            certificate=certificates.certificate, key=certificates.key))
        self._start_monitor()
        self._start_object_store()
        access_key, secret_key = self.create_user("tester")
        self._start_gateway()
        self.endpoint = Endpoint(f"http://127.0.0.1:{self.http_port}", access_key, secret_key)
        self.secure_endpoint = self.endpoint.with_(
            url=f"https://127.0.0.1:{self.https_port}", ca=certificates.ca)

    def create_user(self, name):
        """A new user's access key and secret key."""
        access_key, secret_key = secrets.token_hex(10).upper(), secrets.token_hex(20)
        self._run("radosgw-admin", "user", "create", f"--uid={name}", f"--display-name={name}",
                  f"--access-key={access_key}", f"--secret-key={secret_key}")
        return access_key, secret_key

    def collect_garbage(self):
        """Frees the memory of deleted objects, which the gateway otherwise only notes down."""
        self._run("radosgw-admin", "gc", "process", "--include-all")

    def _start_monitor(self):
        v2, v1 = self._monitor_ports
        self._run("monmaptool", "--create", "--clobber", "--fsid", self._fsid, "--addv", "a",
                  f"[v2:127.0.0.1:{v2},v1:127.0.0.1:{v1}]", "monmap")
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", "monmap")
        monitor = self._start("ceph-mon", "-i", "a", "-f")
        self._await(monitor, "a monitor quorum", "quorum_status")

    def _start_object_store(self):
        identity = uuid.uuid4()
        self._run("ceph", "osd", "new", identity, "0")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", identity)
        # SIGTERM would make it write its memory to disk, which nobody will read.
        store = self._start("ceph-osd", "-i", "0", "-f", stop_signal=signal.SIGKILL)
        self._await(store, "the object store to be up", "osd", "stat", containing="1 up")

    def _start_gateway(self):
        gateway = self._start("radosgw", "-n", "client.rgw", "-f")

        def ready():
            gateway.fail_if_dead()
            return accepts_connections(self.http_port) and accepts_connections(self.https_port)
        wait_until(ready, f"radosgw on port {self.http_port}", seconds_max=60)

    def _await(self, server, what, *command, containing=""):
        def ready():
            server.fail_if_dead()
            done = self._run("ceph", "--connect-timeout", "2", *command, expect=None)
            return done.code == 0 and containing in done.out
        wait_until(ready, what, seconds_max=60)

    def _run(self, program, *arguments, expect=0):
        configuration = () if program == "monmaptool" else ("-c", "ceph.conf")
        return run_program(program, *configuration, *arguments, cwd=self._directory, expect=expect,
                           env=self._space.environment())

    def _start(self, program, *arguments, **options):
        return self._space.start(program, [program, "-c", "ceph.conf", *arguments],
                                 cwd=self._directory, **options)
