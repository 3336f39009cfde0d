"""A certificate authority of the test's own, made by openssl."""

from .programs import run_program

HOST_NAMES = ("localhost", "s3.localhost", "*.s3.localhost")

SERVER_EXTENSIONS = """\
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = IP:127.0.0.1, {names}
"""


class Certificates:
    """`ca` signs `certificate` (key `key`); `other_ca` is a stranger that signed nothing here."""

    def __init__(self, directory, env):
        self._directory, self._env = directory, env
        self.ca, ca_key = self._make_ca("ca")
        self.other_ca, _ = self._make_ca("other-ca")
        self.key, request = directory / "server.key", directory / "server.csr"
        self.certificate = directory / "server.crt"
        extensions = directory / "server.ext"
        extensions.write_text(SERVER_EXTENSIONS.format(
            names=", ".join(f"DNS:{name}" for name in HOST_NAMES)))
        self._openssl("req", "-new", *self._new_key(self.key), "-subj", "/CN=127.0.0.1",
                      "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", ca_key,
                      "-days", "2", "-extfile", extensions, "-out", self.certificate)

    def _make_ca(self, name):
        certificate, key = self._directory / f"{name}.crt", self._directory / f"{name}.key"
        self._openssl("req", "-x509", *self._new_key(key), "-days", "2", "-out", certificate,
                      "-subj", f"/CN=Ringpull test {name}",
                      "-addext", "basicConstraints=critical,CA:TRUE",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        return certificate, key

    @staticmethod
    def _new_key(path):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", path)

    def _openssl(self, *arguments):
        run_program("openssl", *arguments, env=self._env)
