"""Files that people name: read piece by piece, refused by name."""

import os

import pytest

from tasks.errors import BadConfig, BadInput
from tasks.run import files


def test_a_file_is_read_piece_by_piece_and_how_far_is_said(tmp_path):
    path = tmp_path / "dump"
    path.write_bytes(b"x" * 600_000)
    said = []
    with files.opened(str(path)) as dump:
        sizes = [len(piece) for piece in dump.pieces(said.append)]
    assert sum(sizes) == dump.size == 600_000
    assert len(sizes) > 1
    assert said[-1] == "1 of 1 MB"


def test_of_a_pipe_nobody_knows_the_size(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    keep = os.open(path, os.O_RDWR)
    try:
        with files.opened(str(path)) as dump:
            assert dump.size is None
    finally:
        os.close(keep)


@pytest.mark.parametrize("name", ["none.sql", ".", "a\0b", "~nobody-is-called-so/x"])
def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="can't be read"), files.opened(name):
        pass


def test_a_file_of_the_project_that_is_missing_is_told_with_who_names_it():
    with pytest.raises(BadConfig, match=r"depl_branches.apps.app1.scrub: conf/none.sql can't be read"):
        files.of_project("conf/none.sql", "depl_branches.apps.app1.scrub")
