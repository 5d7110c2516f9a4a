"""The key of requests: secret, or replaced."""

import os
from pathlib import Path

import pytest

from vlogd.core import files, private
from vlogd.daemon import request_key


def test_it_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """Whatever the umask."""
    assert request_key.read(tmp_path) is None
    before = os.umask(0)
    try:
        key = request_key.make(tmp_path)
    finally:
        os.umask(before)
    assert len(key) == 32
    assert request_key.make(tmp_path) == request_key.read(tmp_path) == key
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("fault", ["readable", "foreign", "link", "pipe", "short", "long"])
def test_one_that_somebody_may_know_is_replaced(tmp_path: Path, fault: str) -> None:
    """Also one that is not whole, after a full disk or a power cut."""
    key = request_key.make(tmp_path)
    path = tmp_path / "request-key"
    match fault:
        case "readable":
            path.chmod(0o640)
        case "foreign":
            if os.geteuid() != 0:
                pytest.skip("giving a file to somebody needs root")
            os.chown(path, 65534, 65534)
        case "link":
            path.rename(tmp_path / "elsewhere")
            path.symlink_to("elsewhere")
        case "pipe":
            path.unlink()
            os.mkfifo(path)
        case "short":
            path.write_bytes(key[:-1])
        case "long":
            path.write_bytes(key + b"0")
    assert request_key.read(tmp_path) is None
    assert request_key.make(tmp_path) not in (key, None)
    assert path.is_file()
    assert not path.is_symlink()


def test_of_two_that_are_made_at_once_the_first_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request may have its code already. A fake: another command makes one after we looked."""
    rename, keys = files.rename_new, []

    def late(draft: Path, path: Path) -> None:
        monkeypatch.setattr(files, "rename_new", rename)
        keys.append(request_key.make(tmp_path))
        rename(draft, path)

    monkeypatch.setattr(files, "rename_new", late)
    assert [request_key.make(tmp_path)] == keys == [request_key.read(tmp_path)]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_disk_that_fails_is_no_missing_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else every request would be taken for a forged one."""
    request_key.make(tmp_path)

    def fail(*_arguments: object, **_more: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(OSError, match="Input/output"):
        request_key.make(tmp_path)


def test_without_permissions_the_mount_says_who_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT: each file looks as its options say, and the state folder stays open (a fake: chmod does nothing)."""
    monkeypatch.setattr(os, "fchmod", lambda _descriptor, _mode: None)
    tmp_path.chmod(0o755)
    private.make_folder(tmp_path)
    key = request_key.make(tmp_path)
    (tmp_path / "request-key").chmod(0o755)
    assert request_key.read(tmp_path) == key
    tmp_path.chmod(0o700)
    assert request_key.read(tmp_path) is None


def test_a_code_is_of_the_key_the_name_and_the_content() -> None:
    """Each of them changes it."""
    codes = {
        request_key.code(key, name, {"retry": item})
        for key in (b"1" * 32, b"2" * 32)
        for name in ("1.json", "2.json")
        for item in ("a", "b")
    }
    assert len(codes) == 8
