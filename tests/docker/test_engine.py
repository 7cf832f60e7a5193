"""What programs of a build can reach, in containers of a real engine."""

import pytest

from tasks.errors import StepFailed
from tasks.plan.build import DEBIAN
from tasks.run.engine import Engine


@pytest.mark.integration
def test_a_program_of_a_build_writes_only_to_what_is_its_own(tmp_path):
    own, shared = tmp_path / "own", tmp_path / "shared"
    own.mkdir()
    shared.mkdir()
    (shared / "wheel").write_text("before")
    engine = Engine("test-engine")
    both = {"mounts": {str(own): "/own"}, "reads": {str(shared): "/shared"}, "say": print}
    engine.run("own", DEBIAN, ("cp", "/shared/wheel", "/own/copy"), **both)
    assert (own / "copy").read_text() == "before"
    for line in ("echo x >/shared/wheel", "rm /shared/wheel", "echo x >/shared/more"):
        with pytest.raises(StepFailed):
            engine.run("shared", DEBIAN, ("sh", "-c", line), **both)
    assert (shared / "wheel").read_text() == "before"
