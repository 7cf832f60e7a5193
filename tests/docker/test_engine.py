"""What programs of a build can reach, in containers of a real engine."""

import time

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


@pytest.mark.integration
@pytest.mark.parametrize("program", ["sleep 60", "while echo x; do sleep 0.1; done", "trap '' TERM INT; sleep 60; :"])
def test_a_program_of_a_build_that_does_not_end_is_ended(program):
    engine = Engine("test-engine-limit")
    began = time.monotonic()
    with pytest.raises(StepFailed, match="own code: it ran for more than 2 s, and was ended"):
        engine.run("own code", DEBIAN, ("sh", "-c", program), mounts={}, say=print, limit=2)
    assert time.monotonic() - began < 30
    assert engine._client.containers.list(all=True, filters={"label": "depl.build=test-engine-limit"}) == []


@pytest.mark.integration
def test_a_program_of_a_build_that_ends_in_time_is_not_held_up():
    began = time.monotonic()
    assert Engine("test-engine").run("x", DEBIAN, ("echo", "done"), mounts={}, say=print, limit=600) == "done"
    assert time.monotonic() - began < 30


@pytest.mark.integration
def test_a_build_of_docker_that_does_not_end_is_ended():
    engine = Engine("test-engine-limit")
    began = time.monotonic()
    with pytest.raises(StepFailed, match="base image: Docker's build of it took more than 2 s, and was broken off"):
        engine.build("base image", f"FROM {DEBIAN}\nRUN sleep 61.25", {}, "depl-test-engine:limit", print, limit=2)
    assert time.monotonic() - began < 30
    while [
        one for one in engine._client.containers.list(ignore_removed=True) if "sleep 61.25" in str(one.attrs["Args"])
    ]:
        assert time.monotonic() - began < 30, "Docker goes on with it"
        time.sleep(0.2)
