"""What a build takes from programs that may be a branch's own."""

import io
from dataclasses import replace

import pytest

from tasks.errors import StepFailed
from tasks.run import images
from tasks.run.images import plain_file
from tasks.run.report import Progress, Report

from ..plan.world import APP, ENVIRONMENT, TARGET

WHEEL = "flask-3.0-py3-none-any.whl"


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


class Docker:
    """An engine whose programs do what a test says to the folders that they are given."""

    def __init__(self, act):
        self.act = act

    def clear(self):
        pass

    def image_id(self, image):
        return f"sha256:{image}"

    def run(self, what, image, argv, *, mounts, **more):
        return self.act({there: here for here, there in mounts.items()}) or ""


@pytest.fixture
def build_of(tmp_path, monkeypatch):
    """A build whose programs do what it is told, with its source there."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "requirements.txt").write_text("flask==3.0\n")

    def make(act, target=TARGET):
        monkeypatch.setattr(images, "Engine", lambda label: Docker(act))
        folder = tmp_path / f"work-{target.app.name}"
        folder.mkdir()
        target = replace(target, environment=replace(ENVIRONMENT, cache=str(tmp_path / "cache")))
        build = images._Build(target, None, Report(io.StringIO()), folder)
        return lambda: build._wheels("builder", source, Progress(lambda text: None))

    return make


def test_links_that_requirements_plant_beside_the_wheels_lead_nowhere(tmp_path, build_of):
    keys = tmp_path / "authorized_keys"
    keys.write_text("mine")

    def plant(folders):
        folder = images.Path(folders["/wheels"])
        (folder / WHEEL).write_text("flask")
        for name in ("dependencies.txt", "done", "layer.new", "x"):
            (folder / name).symlink_to(keys)

    house = build_of(plant)()
    assert keys.read_text() == "mine"
    assert not any(one.is_symlink() for one in house.iterdir())
    assert (house / "dependencies.txt").read_text() == "flask==3.0\n"
    other = build_of(lambda folders: pytest.fail("built again"), replace(TARGET, app=replace(APP, name="app1--b")))()
    assert sorted(one.name for one in other.iterdir()) == ["dependencies.txt", "done", WHEEL]
