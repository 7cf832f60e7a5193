"""What a build takes from programs that may be a branch's own."""

import pytest

from tasks.errors import StepFailed
from tasks.run.images import plain_file


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


def test_a_file_is_taken_as_it_is(tmp_path):
    (tmp_path / "app.tar").write_bytes(b"x")
    assert plain_file(tmp_path / "app.tar", "own code").read_bytes() == b"x"
