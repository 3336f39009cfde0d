"""S3 clients that nobody here wrote do their normal work against `ringpull sandbox`.

Usage: foreign_clients_test.py CLIENTS --ringpull PATH [--tls] [--directory]
       foreign_clients_test.py CLIENTS --radosgw [--tls]    the same checks on Ceph's S3 server

CLIENTS are names of modules in foreign/, joined by commas.
"""

import argparse
import importlib

from foreign.server import RADOSGW_DEVIATIONS, Server
from support.checks import run_test, step
from support.radosgw import Radosgw
from support.sandbox import Sandbox
from support.workspace import Workspace


def start_server(space, options):
    if options.radosgw:
        store = Radosgw(space)
        return Server(space, store.secure_endpoint if options.tls else store.endpoint,
                      RADOSGW_DEVIATIONS)
    directory = space.directory("sandbox-data") if options.directory else None
    sandbox = Sandbox(space, options.ringpull, tls=options.tls, directory=directory)
    return Server(space, sandbox.endpoint)


def test(options):
    with Workspace() as space:
        with step("radosgw starts" if options.radosgw else "the sandbox starts"):
            server = start_server(space, options)
        for client in options.clients.split(","):
            importlib.import_module(f"foreign.{client}").work(server)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("clients")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--directory", action="store_true", help="keep the objects in files")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--ringpull")
    which.add_argument("--radosgw", action="store_true")
    chosen = parser.parse_args()
    run_test(f"foreign_clients {chosen.clients}", lambda: test(chosen), seconds_max=100)
