"""The answer to a request for a file: conditional and range requests (RFC 9110, 13 and 14)."""

import email.utils
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from io import FileIO

from vlogd.site import byte_ranges, public

_READ_BYTES = 256 << 10
"""Read and sent at a time, so that an answer takes this much memory, whatever is asked for."""


@dataclass(frozen=True)
class Answer:
    """Status, fields, and the pieces of the body: bytes of its own, or a range of the file's."""

    status: HTTPStatus
    fields: dict[str, str]
    pieces: list[bytes | range] = field(default_factory=list)

    def body(self, file: FileIO) -> Iterator[bytes]:
        """The body in small portions. Raises ConnectionError when the file has become shorter: the answer stays cut off."""
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
                continue
            file.seek(piece.start)
            left = len(piece)
            while left:
                data = file.read(min(_READ_BYTES, left))
                if not data:
                    raise ConnectionError("the file became shorter while it was sent")
                left -= len(data)
                yield data


def answer(file: FileIO, path: str, request: Message, *, is_get: bool) -> Answer | None:
    """The answer to a request with these fields; None for what is no plain file.

    Ranges are defined for GET alone (14.2): for HEAD the field is ignored.
    """
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        return None
    etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
    modified = int(status.st_mtime)
    fields = {"ETag": etag, "Last-Modified": email.utils.formatdate(modified, usegmt=True)}
    if public.is_changing(f"/{path}"):
        fields["Cache-Control"] = "no-cache"
    if _is_unchanged(request, etag, modified):
        return Answer(HTTPStatus.NOT_MODIFIED, fields)
    fields |= {"Content-Type": public.TYPES[path.rpartition(".")[2]], "Accept-Ranges": "bytes"}
    header = (
        request.get("Range", "") if is_get and _may_be_part(request, etag, fields["Last-Modified"]) else ""
    )
    ranges = byte_ranges.parse(header, status.st_size)
    if ranges is None:
        return _complete(HTTPStatus.OK, fields, [range(status.st_size)])
    if not ranges:
        fields["Content-Range"] = f"bytes */{status.st_size}"
        return _complete(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, fields, [])
    if len(ranges) == 1:
        fields["Content-Range"] = _content_range(ranges[0], status.st_size)
        return _complete(HTTPStatus.PARTIAL_CONTENT, fields, [ranges[0]])
    return _multipart(fields, ranges, status.st_size)


def _complete(status: HTTPStatus, fields: dict[str, str], pieces: list[bytes | range]) -> Answer:
    return Answer(status, {**fields, "Content-Length": str(sum(map(len, pieces)))}, pieces)


def _multipart(fields: dict[str, str], ranges: list[range], length: int) -> Answer:
    """Several ranges in one answer (14.6)."""
    boundary = secrets.token_hex(16)
    pieces: list[bytes | range] = []
    for one in ranges:
        head = f"Content-Type: {fields['Content-Type']}\r\nContent-Range: {_content_range(one, length)}"
        pieces += [f"\r\n--{boundary}\r\n{head}\r\n\r\n".encode(), one]
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    fields = {**fields, "Content-Type": f"multipart/byteranges; boundary={boundary}"}
    return _complete(HTTPStatus.PARTIAL_CONTENT, fields, pieces)


def _content_range(one: range, length: int) -> str:
    return f"bytes {one.start}-{one.stop - 1}/{length}"


def _is_unchanged(request: Message, etag: str, modified: int) -> bool:
    """Whether the requester has this version (13.1.2; 13.1.3 counts where there is no If-None-Match)."""
    known = request.get("If-None-Match")
    if known is not None:
        return known.strip() == "*" or etag in (
            entry.strip().removeprefix("W/") for entry in known.split(",")
        )
    since = email.utils.parsedate_tz(request.get("If-Modified-Since", ""))
    return since is not None and email.utils.mktime_tz(since) >= modified


def _may_be_part(request: Message, etag: str, last_modified: str) -> bool:
    """Whether the range belongs to this version of the file (If-Range, 13.1.5)."""
    version = request.get("If-Range", "").strip()
    return version in ("", etag, last_modified)
