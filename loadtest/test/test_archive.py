"""Unpacks the printed archive with Python's own tools. The tests of `npm run collect` cover damaged logs."""

import base64
import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

from f2c_loadtest.archive import BEGIN, END, frame, pack


def files_in(directory: Path) -> list[Path]:
    names = {"b.csv": b"x\n1\n", "a.json": b"{}\n" * 5000, "c.csv": os.urandom(1000)}
    for name, content in names.items():
        (directory / name).write_bytes(content)
    return [directory / name for name in names]


def test_what_is_printed_holds_the_files(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin, name, size, checksum, *lines, end = frame("function.tar.gz", pack(files)).splitlines()
    assert {(line[0], len(line)) for line in lines} == {(":", 77)}
    text = "".join(line[1:] for line in lines).rstrip("=")
    packed = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    assert (begin, name, end) == (BEGIN, "archive: function.tar.gz", END)
    assert size == f"bytes: {len(packed)}"
    assert checksum == f"sha256: {hashlib.sha256(packed).hexdigest()}"
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as tar:
        contents = {entry.name: tar.extractfile(entry) for entry in tar}
        assert {name: file.read() for name, file in contents.items() if file} == {
            file.name: file.read_bytes() for file in files
        }
        assert list(contents) == sorted(contents)


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    packed = pack(files)
    os.utime(files[0], (0, 0))
    files[1].chmod(0o600)
    assert pack(reversed(files)) == packed
