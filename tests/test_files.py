"""Files: written whole or not at all, and every error is a FileError."""

import errno
import os

import pytest

from pullback.errors import ArgumentError, FileError, PullbackError
from pullback.files import check_readable, check_writable, read_whole, write_whole


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.bin"


def test_what_is_written_is_read(path):
    write_whole(path, b"one")
    write_whole(str(path), b"two")
    check_writable(path)
    check_readable(path)
    assert read_whole(path) == b"two"
    assert os.listdir(path.parent) == ["file.bin"]


def test_a_new_file_has_the_rights_of_one_that_is_opened_and_an_old_one_keeps_its_own(path):
    path.with_name("opened").touch()
    write_whole(path, b"")
    assert path.stat().st_mode == path.with_name("opened").stat().st_mode
    path.chmod(0o600)
    write_whole(path, b"secret")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(path):
    link = path.with_name("link")
    link.symlink_to(path)
    write_whole(link, b"x")
    assert link.is_symlink()
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_what_is_interrupted_leaves_what_was_there(path, monkeypatch, stop):
    def fail(*args):
        raise stop

    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((KeyboardInterrupt, FileError), match=r"^$|No space left on device\. Make room on the disk"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == ["file.bin"]


@pytest.mark.parametrize("write", [check_writable, lambda path: write_whole(path, b"")])
def test_places_that_cannot_be_written_are_refused(tmp_path, write):
    for place, words in (
        (tmp_path / "no" / "file", r"cannot write '.*file': No such file or directory\. Make the directory first"),
        (tmp_path, "it is a directory. Give the name of a file"),
        ("/dev/null", "cannot write '/dev/null': it is not a file"),
        ("a\0b", "cannot write .*null byte"),
        (tmp_path / ("x" * 300), "File name too long. Choose a shorter name"),
    ):
        with pytest.raises(FileError, match=words):
            write(place)
    assert os.listdir(tmp_path) == []


def test_places_that_cannot_be_read_are_refused(path):
    for place, words in (
        (path, r"cannot read '.*file\.bin': No such file or directory\. Check the name"),
        (path.parent, "Is a directory"),
        (
            "/dev/zero",
            r"^cannot read '/dev/zero': it is a device\. Check the name, and that you may read it(\. At .*)?$",
        ),
        ("a\0b", "cannot read .*null byte"),
    ):
        with pytest.raises(FileError, match=words):
            read_whole(place)


def test_the_error_is_one_of_ours_and_of_the_system(path):
    with pytest.raises(OSError, match="cannot read") as caught:
        read_whole(path)
    assert isinstance(caught.value, PullbackError)
    assert caught.value.errno == errno.ENOENT


@pytest.mark.parametrize("use", [read_whole, check_writable])
def test_what_is_no_path_is_refused(use):
    with pytest.raises(ArgumentError, match="expected a path, got int"):
        use(3)
