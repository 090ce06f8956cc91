"""Makes a certificate that nobody has signed."""

import subprocess
from pathlib import Path


class Certificate:
    """A certificate of localhost and its key, as files."""

    def __init__(self, folder: Path) -> None:
        """Makes both in the folder."""
        self.key, self.file = folder / "key.pem", folder / "certificate.pem"
        name = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
        files = ("-keyout", str(self.key), "-out", str(self.file))
        openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *name, *files]
        subprocess.run(openssl, check=True, capture_output=True)
