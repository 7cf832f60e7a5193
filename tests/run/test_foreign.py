"""What is taken from programs that may be a branch's own, and what they are blamed for."""

import gzip
import os
import tarfile
import tempfile
from pathlib import Path

import pytest

from tasks.errors import StepFailed
from tasks.run import foreign
from tasks.run.foreign import has_other_cause, names_in, plain_file, remove_folder
from tasks.staging.raising import is_to_blame

NOT_THERE = "Could not find a version that satisfies the requirement x==9"
CONFLICT = "Cannot install a and b==1 because these package versions have conflicting dependencies."
NO_WHEEL = "Failed building wheel for ujson"
RETRY = (
    "WARNING: Retrying (Retry(total={}, connect=None, read=None, redirect=None, status=None)) after connection broken"
)
NOTHING = ["ERROR: Could not find a version that satisfies the requirement x==1 (from versions: none)"]
COMPILED = ["x.c:1:1: error: unknown type name 'in'", "error: command '/usr/local/bin/gcc' failed with exit code 1"]
OFFLINE = [
    [RETRY.format(1), RETRY.format(0), *NOTHING],
    [f"      {RETRY.format(0)}", *(f"      {line}" for line in NOTHING), f"ERROR: {NO_WHEEL}"],
    [
        "pip._vendor.requests.exceptions.ConnectionError: HTTPConnectionPool(host='127.0.0.1', port=9): Max retries "
        "exceeded with url: /x-1.tar.gz (Caused by NewConnectionError('…: [Errno 111] Connection refused'))"
    ],
    ["ERROR: Could not install packages due to an OSError: HTTPSConnectionPool(…): Max retries exceeded"],
    ["pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='x', port=443): Read timed out."],
    ["pip._vendor.urllib3.exceptions.ProtocolError: ('Connection broken: IncompleteRead(1 bytes read)')"],
    ["Could not fetch URL https://x/simple/y/: There was a problem confirming the ssl certificate: … - skipping"],
    ["WARNING: The repository located at x is not a trusted or secure host and is being ignored.", *NOTHING],
    ["  ERROR: HTTP error 503 while getting https://x/y-1.tar.gz"],
    ["  ERROR: HTTP error 429 while getting https://x/y-1.tar.gz"],
    ["Could not fetch URL https://x/simple/y/: 502 Server Error: Bad Gateway for url: … - skipping", *NOTHING],
    ["Could not fetch URL https://x/simple/y/: timed out - skipping", *NOTHING],
]
FULL = [
    ["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"],
    ["x.c:9: fatal error: error writing to /tmp/x.s: No space left on device"],
    ["OSError: [Errno 122] Disk quota exceeded"],
]
OWN = [
    NOTHING,
    COMPILED,
    [RETRY.format(4), RETRY.format(3), *COMPILED],
    [RETRY.format(0), "  Downloading ujson-5.tar.gz (7 kB)", *COMPILED],
    [f"ERROR: {NOT_THERE} (from versions: 1, 2)"],
    [f"ERROR: {CONFLICT}"],
    ["  ERROR: HTTP error 404 while getting https://x/y-1.tar.gz"],
    ["ConnectionRefusedError: [Errno 111] Connection refused"],
    ["requests.exceptions.ConnectionError: HTTPConnectionPool(host='x', port=9): Max retries exceeded with url: /data"],
    ["OSError: [Errno 28] No space left on device: '/dev/shm/pool'"],
    [],
]


@pytest.mark.parametrize("log", OFFLINE)
def test_an_index_that_cannot_be_reached_is_no_fault_of_the_code(log):
    assert has_other_cause("\n".join(log), online=True)


@pytest.mark.parametrize("log", OFFLINE)
def test_code_that_wants_a_network_where_there_is_none_is_at_fault(log):
    assert not has_other_cause("\n".join(log), online=False)


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize("log", FULL)
def test_a_full_disk_is_no_fault_of_the_code(log, online):
    assert has_other_cause("\n".join(log), online)


@pytest.mark.parametrize("log", OWN)
def test_what_does_not_compile_or_is_not_there_is_a_fault_of_the_code(log):
    assert not has_other_cause("\n".join(log), online=True)


def test_a_result_that_leads_elsewhere_is_not_read(tmp_path):
    secret, result = tmp_path / "secret", tmp_path / "app.tar"
    secret.write_text("s3cret")
    result.symlink_to(secret)
    with pytest.raises(StepFailed, match="own code: what it left as its result is no file"):
        plain_file(result, "own code")


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: None])
def test_a_result_that_is_no_file_is_told(tmp_path, make):
    make(tmp_path / "app.tar")
    with pytest.raises(StepFailed):
        plain_file(tmp_path / "app.tar", "own code")


@pytest.mark.parametrize("length", [1_000, 100_000])
def test_a_tar_whose_names_are_larger_than_itself_is_told(tmp_path, monkeypatch, length):
    monkeypatch.setattr(foreign, "NAMES_MB", 1)
    path = tmp_path / "app.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT, pax_headers={"path": "x" * length}) as packed:
        for _ in range(2_000):
            packed.addfile(tarfile.TarInfo("a"))
    assert path.stat().st_size < 1_300_000
    with pytest.raises(StepFailed, match="own code: what it left as its result is no tar") as caught:
        names_in(path, "own code")
    assert is_to_blame(caught.value)


def test_a_result_that_no_image_could_have_is_not_read(tmp_path):
    with (tmp_path / "app.tar").open("wb") as file:
        file.truncate((foreign.LARGEST_GB * 10**9) + 1)
    with pytest.raises(StepFailed, match=r"own code: what it left as its result has more than 4 GB\."):
        plain_file(tmp_path / "app.tar", "own code")


def test_a_file_is_taken_as_it_is(tmp_path):
    (tmp_path / "app.tar").write_bytes(b"x")
    assert plain_file(tmp_path / "app.tar", "own code").read_bytes() == b"x"


def header(name, size=0, kind=tarfile.REGTYPE):
    one = tarfile.TarInfo(name)
    one.size, one.type = size, kind
    return one.tobuf(tarfile.USTAR_FORMAT if size >= 0 else tarfile.GNU_FORMAT)


def pax(content):
    """An entry that says more of the next one."""
    return header("more", len(content), tarfile.XHDTYPE) + content + b"\0" * (-len(content) % tarfile.BLOCKSIZE)


END = b"\0" * 2 * tarfile.BLOCKSIZE


# With names of their own: what gzip gives has the second of its making in it, and two workers of one run of the tests
# have to collect the same names.
@pytest.mark.parametrize(
    "found",
    [
        pytest.param(header("a") + pax(b"14 size=-1536\n") + header("b") + END, id="leads back"),
        pytest.param(header("a", -1024) + END, id="leads back by its own header"),
        pytest.param(pax(b"36 size=999999999999999999999999999\n") + header("b") + END, id="leads out of all numbers"),
        pytest.param(pax(b"28 size=4611686018427387904\n") + header("b") + END, id="leads out of all files"),
        pytest.param(pax(b"1" * 300_000) + header("b") + END, id="a number of 300,000 digits"),
        pytest.param(header("a", 5000) + b"x" * 100, id="broken off"),
        pytest.param(b"", id="empty"),
        pytest.param(b"no tar", id="text"),
        pytest.param(gzip.compress(b"x" * 2000), id="gzip of no tar"),
        pytest.param(gzip.compress(b"x" * 2000)[:-9], id="gzip broken off"),
        pytest.param(b"PK\x03\x04", id="zip"),
        pytest.param(pax(b"22 GNU.sparse.map=a,b\n") + header("b") + END, id="a map of holes that is none"),
        pytest.param(pax(b"22 GNU.sparse.size=zz\n") + header("b") + END, id="a size without holes that is none"),
        pytest.param(
            pax(b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n") + header("b") + END, id="holes without a map"
        ),
    ],
)
def test_a_result_that_is_no_tar_or_leads_astray_is_told_at_once_and_held_against_the_code(tmp_path, found):
    (tmp_path / "app.tar").write_bytes(found)
    with pytest.raises(StepFailed, match="own code: what it left as its result is no tar") as caught:
        names_in(tmp_path / "app.tar", "own code")
    assert is_to_blame(caught.value)


def test_a_tar_that_takes_too_long_is_told_and_held_against_the_code(tmp_path, monkeypatch):
    monkeypatch.setattr(foreign, "SECONDS", 0)
    (tmp_path / "app.tar").write_bytes(header("a") + END)
    with pytest.raises(StepFailed, match="own code: what it left as its result takes more than 0 s to list") as caught:
        names_in(tmp_path / "app.tar", "own code")
    assert is_to_blame(caught.value)


def test_a_tar_whose_entries_say_more_of_each_other_is_listed(tmp_path):
    (tmp_path / "app.tar").write_bytes(pax(b"13 comment=x\n") * 3000 + header("b.so") + END)
    assert names_in(tmp_path / "app.tar", "own code") == ["b.so"]


def test_names_are_listed_whatever_they_are_made_of(tmp_path):
    names = ["app/", "app/x.cpython-311.so", "app/a b.so.1", "-x:y.so", "n" * 300 + ".so"]
    odd = ["two\nlines.so", os.fsdecode(b"caf\xe9.so")]
    with tarfile.open(tmp_path / "app.tar", "w", format=tarfile.GNU_FORMAT) as packed:
        for name in names + odd:
            packed.addfile(tarfile.TarInfo(name))
    found = names_in(tmp_path / "app.tar", "own code")
    assert found[: len(names)] == names
    assert all(".so" in Path(name).suffixes for name in found[1:])
    assert len(found) == len(names + odd)


@pytest.fixture
def nobody():
    """A folder of somebody whom modes of files hold back, and we are they."""
    with tempfile.TemporaryDirectory() as name:
        if os.geteuid():
            yield Path(name)
            return
        os.chown(name, 65534, 65534)
        os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            os.seteuid(0)


def test_what_a_build_has_shut_is_removed_and_what_it_links_to_stays(nobody):
    kept, work = nobody / "kept", nobody / "work-app1"
    (work / "out" / "read-only" / "deeper").mkdir(parents=True)
    kept.mkdir(mode=0o500)
    (work / "out" / "read-only" / "deeper" / "file").touch(mode=0o400)
    (work / "out" / "link").symlink_to(kept)
    for path, mode in (("out/read-only/deeper", 0o500), ("out/read-only", 0o000), ("out", 0o500)):
        (work / path).chmod(mode)
    remove_folder(work)
    assert [one.name for one in nobody.iterdir()] == ["kept"]
    assert kept.stat().st_mode & 0o777 == 0o500


@pytest.mark.parametrize(("levels", "name"), [(100, "d" * 80), (1500, "d")])
def test_a_tree_deeper_than_a_path_may_be_long_or_calls_may_nest_is_removed(nobody, levels, name):
    kept, work = nobody / "kept", nobody / "work-app1"
    kept.mkdir(mode=0o500)
    work.mkdir()
    here = os.open(work, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=here)
        os.symlink(kept, "link", dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.fchmod(here, 0o500)
        os.close(here)
        here = below
    os.fchmod(here, 0o000)
    os.close(here)
    remove_folder(work)
    assert [one.name for one in nobody.iterdir()] == ["kept"]
    assert kept.stat().st_mode & 0o777 == 0o500


def test_a_link_in_the_place_of_a_folder_is_not_followed(tmp_path):
    kept = tmp_path / "kept"
    (kept / "below").mkdir(parents=True, mode=0o500)
    (tmp_path / "work-app1").symlink_to(kept)
    remove_folder(tmp_path / "work-app1")
    assert (kept / "below").stat().st_mode & 0o777 == 0o500


def test_a_folder_that_is_not_there_is_removed(tmp_path):
    remove_folder(tmp_path / "work-app1")
