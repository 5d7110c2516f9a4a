"""The documents of the library's folders: `artifact.json`, `view.json` and receipts.

`artifact.json` names every file of an artifact (2 MiB for a film of three hours). `view.json` lies beside it and
holds the little that a publishing needs. Up to 0.1.0 the view was a key of `artifact.json`; it is still read from there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vlogd.core.documents import DocumentFormat
from vlogd.core.model import FileMark, Receipt, View

ARTIFACT = "artifact.json"
VIEW = "view.json"

_ARTIFACT_LIMIT_BYTES = 256 << 20
"""A stream of two weeks: there are 2 MiB for each three hours."""


@dataclass(frozen=True)
class ArtifactDocument:
    """The content of `artifact.json`. `derived` are the files that result from the view, not from a part.

    `view` is set in documents up to 0.1.0 only, which have no `view.json`.
    """

    stage: str
    fingerprint: str
    digest: str
    recipe: Mapping[str, Any]
    receipts: tuple[Receipt, ...]
    derived: Mapping[str, FileMark]
    view: View | None = None

    def files(self) -> Iterator[tuple[str, FileMark]]:
        """Every file of the artifact with its mark."""
        yield from self.derived.items()
        for receipt in self.receipts:
            yield from receipt.files.items()


def _parse_artifact(content: Mapping[str, Any]) -> ArtifactDocument:
    view = content.get("view")
    return ArtifactDocument(
        stage=content["stage"],
        fingerprint=content["fingerprint"],
        digest=content["digest"],
        recipe=content["recipe"],
        receipts=tuple(_parse_receipt(receipt) for receipt in content["parts"]),
        derived=_parse_marks(content["derived"]),
        view=None if view is None else _parse_view(view),
    )


def _serialise_artifact(document: ArtifactDocument) -> dict[str, Any]:
    value = {
        "stage": document.stage,
        "fingerprint": document.fingerprint,
        "digest": document.digest,
        "recipe": document.recipe,
        "parts": [_serialise_receipt(receipt) for receipt in document.receipts],
        "derived": _serialise_marks(dict(sorted(document.derived.items()))),
    }
    return value if document.view is None else value | {"view": _serialise_view(document.view)}


def _parse_receipt(content: Mapping[str, Any]) -> Receipt:
    return Receipt(part=content["part"], files=_parse_marks(content["files"]), facts=content["facts"])


def _serialise_receipt(receipt: Receipt) -> dict[str, Any]:
    return {"part": receipt.part, "files": _serialise_marks(receipt.files), "facts": receipt.facts}


def _parse_marks(content: Mapping[str, Any]) -> dict[str, FileMark]:
    return {name: FileMark(int(mark["size_bytes"]), str(mark["sha256"])) for name, mark in content.items()}


def _serialise_marks(marks: Mapping[str, FileMark]) -> dict[str, Any]:
    return {name: {"size_bytes": mark.size_bytes, "sha256": mark.sha256} for name, mark in marks.items()}


def _parse_view(content: Mapping[str, Any]) -> View:
    names: dict[str, bytes | str] = {
        name: source["file"] if "file" in source else source["text"].encode()
        for name, source in content["names"].items()
    }
    return View(names=names, facts=dict(content["facts"]))


def _serialise_view(view: View) -> dict[str, Any]:
    names = {
        name: {"file": source} if isinstance(source, str) else {"text": source.decode()}
        for name, source in view.names.items()
    }
    return {"names": names, "facts": view.facts}


ARTIFACT_FORMAT = DocumentFormat(
    "an artifact", _parse_artifact, _serialise_artifact, limit_bytes=_ARTIFACT_LIMIT_BYTES
)
VIEW_FORMAT = DocumentFormat("a view", _parse_view, _serialise_view)
RECEIPT_FORMAT = DocumentFormat("a receipt", _parse_receipt, _serialise_receipt)
