"""Conditional and range requests for a file."""

import os
from email.message import Message
from pathlib import Path

import pytest

from vlogd.site import file_answer
from vlogd.site.file_answer import Answer

DATA = bytes(range(256)) * 4
PATH = "videos/film-1/a.m4s"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of a kilobyte, a day of 2026 old."""
    path = tmp_path / "a.m4s"
    path.write_bytes(DATA)
    os.utime(path, (1_790_000_000, 1_790_000_000))
    return path


def ask(file: Path, *, is_get: bool = True, path: str = PATH, **fields: str) -> tuple[Answer, bytes]:
    """An answer and its body."""
    request = Message()
    for name, value in fields.items():
        request[name.replace("_", "-")] = value
    with file.open("rb", buffering=0) as opened:
        answer = file_answer.answer(opened, path, request, is_get=is_get)
        assert answer is not None
        return answer, b"".join(answer.body(opened))


def test_a_whole_file(file: Path) -> None:
    """Type, length, version; only what is replaced is asked for again."""
    answer, body = ask(file)
    assert (answer.status, body) == (200, DATA)
    assert answer.fields["Content-Type"] == "video/iso.segment"
    assert answer.fields["Content-Length"] == "1024"
    assert answer.fields["Accept-Ranges"] == "bytes"
    assert "Cache-Control" not in answer.fields
    assert ask(file, path="catalog.json")[0].fields["Cache-Control"] == "no-cache"


def test_a_range(file: Path) -> None:
    """One piece of the file, and where it lies."""
    answer, body = ask(file, Range="bytes=10-19")
    assert (answer.status, body) == (206, DATA[10:20])
    assert (answer.fields["Content-Range"], answer.fields["Content-Length"]) == ("bytes 10-19/1024", "10")


def test_a_range_that_is_not_there(file: Path) -> None:
    """416 says how long the file is."""
    answer, body = ask(file, Range="bytes=1024-")
    assert (answer.status, body) == (416, b"")
    assert (answer.fields["Content-Range"], answer.fields["Content-Length"]) == ("bytes */1024", "0")


def test_several_ranges(file: Path) -> None:
    """A part for each, with its place; the length is that of the whole body."""
    answer, body = ask(file, Range="bytes=0-3,-2")
    kind, _, boundary = answer.fields["Content-Type"].partition("; boundary=")
    assert (answer.status, kind) == (206, "multipart/byteranges")
    parts = body.split(f"\r\n--{boundary}".encode())
    assert parts[1].endswith(b"Content-Range: bytes 0-3/1024\r\n\r\n" + DATA[:4])
    assert parts[2].endswith(b"Content-Range: bytes 1022-1023/1024\r\n\r\n" + DATA[-2:])
    assert (parts[0], parts[3]) == (b"", b"--\r\n")
    assert answer.fields["Content-Length"] == str(len(body))


def test_head_has_no_ranges(file: Path) -> None:
    """RFC 9110, 14.2: the field is defined for GET."""
    answer, _ = ask(file, is_get=False, Range="bytes=0-1")
    assert (answer.status, answer.fields["Content-Length"]) == (200, "1024")


def test_a_range_of_another_version_is_the_whole_file(file: Path) -> None:
    """If-Range: this version's tag or date only."""
    fields = ask(file)[0].fields
    for version in (fields["ETag"], fields["Last-Modified"]):
        assert ask(file, Range="bytes=0-1", If_Range=version)[0].status == 206
    for version in ('"other"', f"W/{fields['ETag']}", "Thu, 01 Jan 2026 00:00:00 GMT"):
        assert ask(file, Range="bytes=0-1", If_Range=version)[0].status == 200


def test_what_is_known_is_not_sent_again(file: Path) -> None:
    """Tags before dates."""
    fields = ask(file)[0].fields
    for condition in (fields["ETag"], f'"x", W/{fields["ETag"]}', "*"):
        answer, body = ask(file, If_None_Match=condition)
        assert (answer.status, body) == (304, b"")
    assert ask(file, If_Modified_Since=fields["Last-Modified"])[0].status == 304
    assert ask(file, If_Modified_Since="Thu, 01 Jan 2026 00:00:00 GMT")[0].status == 200
    assert ask(file, If_Modified_Since="yesterday")[0].status == 200
    assert ask(file, If_None_Match='"x"', If_Modified_Since=fields["Last-Modified"])[0].status == 200


def test_a_file_that_becomes_shorter(file: Path) -> None:
    """The answer is cut off, which the connection's end shows; bytes are never made up."""
    with file.open("rb", buffering=0) as opened:
        answer = file_answer.answer(opened, PATH, Message(), is_get=True)
        assert answer is not None
        os.truncate(file, 10)
        with pytest.raises(ConnectionError):
            list(answer.body(opened))


def test_what_is_no_file(tmp_path: Path) -> None:
    """A pipe is no answer."""
    os.mkfifo(tmp_path / "a.m4s")
    descriptor = os.open(tmp_path / "a.m4s", os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        assert file_answer.answer(pipe, PATH, Message(), is_get=True) is None
