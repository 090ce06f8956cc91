"""Packs the results as text that survives a container's log: an archive, its size and its checksum, between two lines.

Each line of base64 has the same width and begins with a colon, so that a reader finds it behind any prefix.
"""

import base64
import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

BEGIN = "-----BEGIN F2C RESULTS-----"
END = "-----END F2C RESULTS-----"

BASE64_WIDTH = 76


def pack(files: Iterable[Path]) -> bytes:
    """Returns a tar.gz without folders. The same files give the same bytes, because times and owners are left out."""
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for file in sorted(files, key=lambda file: file.name):
                content = file.read_bytes()
                entry = tarfile.TarInfo(file.name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        return gzip.compress(buffer.getvalue(), mtime=0)


def checksum(archive: bytes) -> str:
    """Returns the SHA-256 of an archive in hexadecimal digits."""
    return hashlib.sha256(archive).hexdigest()


def frame(name: str, archive: bytes) -> str:
    """Returns the lines to print for an archive of this name."""
    text = base64.b64encode(archive).decode()
    lines = [f":{text[start : start + BASE64_WIDTH]:=<{BASE64_WIDTH}}" for start in range(0, len(text), BASE64_WIDTH)]
    head = [BEGIN, f"archive: {name}", f"bytes: {len(archive)}", f"sha256: {checksum(archive)}"]
    return "\n".join([*head, *lines, END])
