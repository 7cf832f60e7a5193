"""What a build takes from programs that may be a branch's own."""

import io
import os
from dataclasses import replace

import pytest
from docker.errors import APIError

from tasks.errors import DeplError, StepFailed
from tasks.model.branch import Branch
from tasks.run import images, services, wheelhouses
from tasks.run.report import Progress, Report
from tasks.staging.raising import is_to_blame

from ..plan.estate import ESTATE
from ..plan.world import APP, ENVIRONMENT, TARGET

QUIET = Progress(lambda text: None)
WHEEL = "flask-3.0-py3-none-any.whl"


class Docker:
    """An engine whose programs do what a test says to the folders that they are given."""

    def __init__(self, act):
        self.act = act

    def clear(self):
        pass

    def image_id(self, image):
        return f"sha256:{image}"

    def run(self, what, image, argv, *, mounts, **more):
        self.environment, self.say = more.get("environment") or {}, more["say"]
        return self.act({there: here for here, there in mounts.items()}) or ""


@pytest.fixture
def build_of(tmp_path, monkeypatch):
    """A build whose programs do what it is told, with its source there."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "requirements.txt").write_text("flask==3.0\n")

    def make(act, target=TARGET, code=None):
        docker = make.docker = Docker(act)
        monkeypatch.setattr(images, "Engine", lambda label: docker)
        folder = tmp_path / f"work-{target.app.name}"
        folder.mkdir()
        target = replace(target, environment=replace(ENVIRONMENT, cache=str(tmp_path / "cache")))
        build = images._Build(target, code, Report(io.StringIO()), folder)
        return {
            "source": lambda: build._source(QUIET),
            "wheels": lambda: build._wheels("builder", source, QUIET),
            "own code": lambda: build._tar("own code", "builder", ("make",), "app.tar", QUIET, source, source),
            "base image": lambda: build._tar("base image", "builder", ("make",), "base.tar", QUIET),
            "check": lambda: build._check("image", QUIET),
        }

    return make


def test_dockers_own_builds_have_the_apps_limit(monkeypatch, tmp_path):
    limits = {}

    class Building(Docker):
        def has(self, image):
            return image == images.plans.DEBIAN

        def build(self, what, *_, limit):
            limits[what] = limit

        def size(self, image):
            return 1

    monkeypatch.setattr(images, "Engine", lambda label: Building(None))
    app = replace(APP, base="debian", wheels=replace(APP.wheels, timeout=77))
    target = replace(TARGET, app=app, environment=replace(ENVIRONMENT, cache=str(tmp_path)))
    build = images._Build(target, None, Report(io.StringIO()), tmp_path)
    builder = images.builder_image(build.engine, tmp_path, app.packages, QUIET, app.wheels.timeout)
    build._base(builder, QUIET)
    assert limits == {"builder image": 77, "base image": 77}


def test_links_that_requirements_plant_beside_the_wheels_lead_nowhere(tmp_path, build_of):
    keys = tmp_path / "authorized_keys"
    keys.write_text("mine")

    def plant(folders):
        folder = images.Path(folders["/wheels"])
        (folder / WHEEL).write_text("flask")
        for name in ("dependencies.txt", "done", "layer.new", "x"):
            (folder / name).symlink_to(keys)

    house = build_of(plant)["wheels"]()
    assert keys.read_text() == "mine"
    assert not any(one.is_symlink() for one in house.iterdir())
    assert (house / "dependencies.txt").read_text() == "flask==3.0\n"
    branch = replace(TARGET, app=replace(APP, name="app1--b"))
    other = build_of(lambda folders: pytest.fail("built again"), branch)["wheels"]()
    assert sorted(one.name for one in other.iterdir()) == ["dependencies.txt", "done", WHEEL]


def test_a_compilers_log_of_any_encoding_is_counted(build_of):
    def compile_it(folders):
        folder = images.Path(folders["/wheels"])
        (folder / WHEEL).write_text("flask")
        (folder / "compile.log").write_bytes(b"gcc -c caf\xe9.c\n")

    assert wheelhouses.is_whole(build_of(compile_it)["wheels"]())


def test_a_compilers_log_that_is_too_large_is_held_against_the_commit(build_of):
    def swell(folders):
        (images.Path(folders["/wheels"]) / "compile.log").touch()
        os.truncate(images.Path(folders["/wheels"]) / "compile.log", 2**40)

    with pytest.raises(StepFailed, match="more than 100 MB") as raised:
        build_of(swell)["wheels"]()
    assert is_to_blame(raised.value)


def failing(log):
    def act(folders):
        raise StepFailed("it failed", log)

    return act


@pytest.mark.parametrize("step", ["wheels", "own code", "check"])
def test_what_runs_the_commits_code_is_held_against_it(build_of, step):
    with pytest.raises(StepFailed) as raised:
        build_of(failing("error: x.c"))[step]()
    assert is_to_blame(raised.value)


def test_a_result_that_is_no_file_is_held_against_the_commit(build_of):
    with pytest.raises(StepFailed, match="no file") as raised:
        build_of(lambda folders: None)["own code"]()
    assert is_to_blame(raised.value)


@pytest.mark.parametrize(
    ("step", "log"),
    [
        ("base image", "E: Failed to fetch http://mirror/debian/…"),
        ("wheels", "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken"),
        ("wheels", "OSError: [Errno 28] No space left on device"),
        ("own code", "OSError: [Errno 28] No space left on device"),
    ],
)
def test_mirror_index_and_disk_are_not_held_against_a_commit(build_of, step, log):
    with pytest.raises(StepFailed) as raised:
        build_of(failing(log))[step]()
    assert not is_to_blame(raised.value)


LACKING = "ERROR: No matching distribution found for x==1"
FAULTY = (
    "Could not fetch URL https://i/simple/x/: 502 Server Error: Bad Gateway for url: https://i/simple/x/ - skipping"
)


@pytest.fixture
def pip_says(build_of):
    """A build whose pip says this, line by line, and that when it is asked for more; None where it then does it."""

    def make(plainly, more):
        def act(folders):
            log = more if build_of.docker.environment.get("PIP_VERBOSE") else plainly
            if log is None:
                (images.Path(folders["/wheels"]) / WHEEL).write_text("flask")
                return
            for line in log:
                build_of.docker.say(line)
            raise StepFailed(f"wheels: {log[-1]}", "\n".join(log))

        return build_of(act)["wheels"]

    return make


def test_an_index_that_answers_with_an_error_is_named_and_not_held_against_the_commit(pip_says):
    with pytest.raises(StepFailed, match="^wheels: .*502 Server Error: Bad Gateway") as raised:
        pip_says([LACKING], [FAULTY, *["more"] * 1000, LACKING])()
    assert "index" in str(raised.value).splitlines()[1]
    assert not is_to_blame(raised.value)


def test_an_index_that_fails_at_another_package_takes_no_blame_off_a_commit(pip_says):
    with pytest.raises(StepFailed) as raised:
        pip_says([LACKING], [FAULTY.replace("/x/", "/other/"), LACKING])()
    assert is_to_blame(raised.value)


def test_an_index_that_answers_when_asked_again_has_not_failed(pip_says):
    assert wheelhouses.is_whole(pip_says([LACKING], None)())


def test_a_package_that_is_not_there_is_held_against_the_commit_in_few_words(pip_says):
    with pytest.raises(StepFailed) as raised:
        pip_says([LACKING], ["Found link", LACKING])()
    assert "Found link" not in str(raised.value)
    assert is_to_blame(raised.value)


def test_pip_that_finds_it_and_then_fails_is_told_by_that(pip_says):
    with pytest.raises(StepFailed, match="^wheels: OSError: .* No space left on device") as raised:
        pip_says([LACKING], ["OSError: [Errno 28] No space left on device"])()
    assert not is_to_blame(raised.value)


@pytest.mark.parametrize("log", [["error: x.c"], ["WARNING: Retrying (Retry(total=0, connect=None))", LACKING]])
def test_pip_is_asked_once_where_it_says_enough(pip_says, log):
    with pytest.raises(StepFailed) as raised:
        pip_says(log, None)()
    assert str(raised.value).startswith(f"wheels: {log[-1]}")


class Code:
    """A commit with these files."""

    where = "app at 123"

    def __init__(self, *names):
        self.names = names

    def export(self, folder):
        for name in self.names:
            (folder / name).touch()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), r"conf/apps/app1.yml: source.path: there is no setup.py or pyproject.toml in app at 123"),
        (("setup.py",), r"conf/apps/app1.yml: wheels.requirements: there is no requirements.txt in app at 123"),
    ],
)
def test_what_a_commit_lacks_is_held_against_it_and_the_file_that_is_named_exists(build_of, names, said):
    branch = replace(TARGET, app=replace(APP, name="app1--x"), branch=Branch("app1", "x", "x"))
    with pytest.raises(StepFailed, match=said) as raised:
        build_of(failing(""), branch, Code(*names))["source"]()
    assert is_to_blame(raised.value)


@pytest.mark.parametrize("to", ["/etc/hostname", "../../x", "requirements.txt"])
def test_requirements_that_lead_out_of_the_source_are_none(build_of, tmp_path, to):
    class Linked(Code):
        def export(self, folder):
            super().export(folder)
            (tmp_path / "x").touch()
            (folder / "requirements.txt").symlink_to(to)

    with pytest.raises(StepFailed, match="there is no requirements.txt in app at 123") as raised:
        build_of(failing(""), code=Linked("setup.py"))["source"]()
    assert is_to_blame(raised.value)


def test_requirements_may_lead_to_another_file_of_the_source(build_of):
    class Linked(Code):
        def export(self, folder):
            super().export(folder)
            (folder / "requirements.txt").symlink_to("pinned.txt")

    build_of(failing(""), code=Linked("setup.py", "pinned.txt"))["source"]()


def test_a_commit_without_the_folder_is_to_blame_and_a_full_disk_is_not(build_of):
    class Gone(Code):
        def export(self, folder):
            raise self.names[0]

    for error, blamed in ((StepFailed("no folder"), True), (DeplError("Is the disk full?"), False)):
        with pytest.raises(DeplError) as raised:
            build_of(failing(""), replace(TARGET, app=replace(APP, name=f"a{blamed}")), Gone(error))["source"]()
        assert is_to_blame(raised.value) is blamed


def test_a_docker_that_refuses_is_told_without_a_traceback(monkeypatch, tmp_path):
    def broken(label):
        raise APIError("500 Server Error", explanation="no space left on device")

    monkeypatch.setattr(images, "Engine", broken)
    target = replace(TARGET, environment=replace(ENVIRONMENT, cache=str(tmp_path)))
    with pytest.raises(DeplError, match="no space left on device"):
        images.build(target, Code(), Report(io.StringIO()))
    with pytest.raises(DeplError, match="no space left on device"):
        images.forget(target)
    monkeypatch.setattr(services, "Engine", broken)
    monkeypatch.setattr(services.registry, "tags", lambda *_: [])
    with pytest.raises(DeplError, match="no space left on device"):
        services.images(ESTATE, Report(io.StringIO()))
