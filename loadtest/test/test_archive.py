"""Unpacks the printed archive with Python's own tools. The tests of `npm run collect` cover damaged logs."""

import hashlib
import os
from pathlib import Path

from running import unpack

from f2c_loadtest.archive import BEGIN, END, frame, pack


def files_in(directory: Path) -> list[Path]:
    names = {"b.csv": b"x\n1\n", "a.json": b"{}\n" * 5000, "c.csv": os.urandom(1000)}
    for name, content in names.items():
        (directory / name).write_bytes(content)
    return [directory / name for name in names]


def test_what_is_printed_holds_the_files(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    archive = pack(files)
    text = frame("function.tar.gz", archive)
    begin, name, size, checksum, *lines, end = text.splitlines()
    assert (begin, name, size, end) == (BEGIN, "archive: function.tar.gz", f"bytes: {len(archive)}", END)
    assert checksum == f"sha256: {hashlib.sha256(archive).hexdigest()}"
    assert {(line[0], len(line)) for line in lines} == {(":", 77)}
    contents = unpack(text)
    assert contents == {file.name: file.read_bytes() for file in files}
    assert list(contents) == sorted(contents)


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    packed = pack(files)
    os.utime(files[0], (0, 0))
    files[1].chmod(0o600)
    assert pack(reversed(files)) == packed
