"""What is built is what is committed. Against real git."""

import subprocess
from dataclasses import replace

import pytest

from tasks.errors import BadInput, DeplError, Refused, StepFailed
from tasks.model.app import Source
from tasks.run import source

from ..plan.world import APP


def git(folder, *words):
    subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True
    )


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "setup.py").write_text("first\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def at(repository, ref="HEAD", dirty=False):
    return source.checkout(Source("app", str(repository)), ref, dirty)


def exported(checkout, folder):
    folder.mkdir()
    checkout.export(folder)
    return {one.name: one.read_text() for one in folder.iterdir()}


def test_a_commit_is_built_as_it_is(repository, tmp_path):
    assert exported(at(repository), tmp_path / "out") == {"setup.py": "first\n"}


def test_a_folder_that_cannot_be_written_to_is_told(repository, tmp_path):
    with pytest.raises(DeplError, match=r"can't be unpacked: tar: .*no/where.*\nIs the disk full"):
        at(repository).export(tmp_path / "no" / "where")


def test_a_commit_without_the_folder_has_failed(repository, tmp_path):
    with pytest.raises(StepFailed, match="has no folder 'gone'"):
        replace(at(repository), path="gone").export(tmp_path / "out")


def test_a_commit_that_cannot_be_read_is_not_said_to_lack_the_folder(repository, tmp_path, monkeypatch):
    checkout, real = at(repository), source.git.ask

    def broken(folder, *words):
        return real(folder, "archive", "nothing") if words[0] == "archive" else real(folder, *words)

    monkeypatch.setattr(source.git, "ask", broken)
    with pytest.raises(DeplError, match="can't be read") as raised:
        checkout.export(tmp_path / "out")
    assert not isinstance(raised.value, StepFailed)


def test_a_dirty_tree_is_refused_and_named(repository):
    (repository / "app" / "setup.py").write_text("changed\n")
    with pytest.raises(Refused, match=r"setup\.py.*\n.*--dirty"):
        at(repository)


def test_dirty_builds_the_work_tree_and_says_so(repository, tmp_path):
    (repository / "app" / "setup.py").write_text("changed\n")
    (repository / "app" / "new.py").write_text("new\n")
    checkout = at(repository, dirty=True)
    assert checkout.label.endswith("-dirty")
    assert exported(checkout, tmp_path / "out") == {"setup.py": "changed\n", "new.py": "new\n"}


def test_changes_outside_the_source_do_not_matter(repository):
    (repository / "notes.txt").write_text("x")
    assert not at(repository).dirty


def test_another_ref_is_built_whatever_the_tree_is_like(repository, tmp_path):
    (repository / "app" / "setup.py").write_text("second\n")
    git(repository, "commit", "-q", "-a", "-m", "second")
    (repository / "app" / "setup.py").write_text("changed\n")
    assert exported(at(repository, "HEAD~1"), tmp_path / "out") == {"setup.py": "first\n"}


@pytest.mark.parametrize("ref", ["nope", "--upload-pack=id", "HEAD; id", "$(id)", "", "a\nb"])
def test_a_ref_that_is_none_is_refused(repository, ref):
    with pytest.raises(BadInput, match="is no commit"):
        at(repository, ref)


def test_a_login_in_the_remotes_address_stays_out_of_the_label(repository):
    git(repository, "remote", "add", "origin", "https://ana:secret@example.com/x.git")
    assert at(repository).origin == "https://example.com/x.git"


def test_a_package_needs_no_repository_and_says_where_it_is_from(tmp_path):
    app = replace(APP, source=Source(package="Zope.Interface[test]==7.0", requirements=("gunicorn==23.0.0",)))
    code = source.find(app, None, dirty=False)
    assert exported(code, tmp_path / "out") == {"requirements.txt": "Zope.Interface[test]==7.0\ngunicorn==23.0.0\n"}
    assert (code.label, code.origin) == ("Zope.Interface[test]==7.0", "pkg:pypi/zope-interface@7.0")


@pytest.mark.parametrize(("ref", "dirty"), [("HEAD", False), ("", False), (None, True)])
def test_a_package_is_no_commit(ref, dirty):
    app = replace(APP, source=Source(package="x==1"))
    with pytest.raises(BadInput, match="app1 is x==1 of the package index: it has no --ref and no --dirty"):
        source.find(app, ref, dirty)


def test_a_folder_that_is_no_checkout_is_refused(tmp_path):
    with pytest.raises(BadInput, match="is no git checkout"):
        at(tmp_path)


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("https://git.example.com/app1.git", "https://git.example.com/app1.git"),
        ("https://ana:s3cret@git.example.com/app1.git", "https://git.example.com/app1.git"),
        ("https://s3cret@git.example.com:8443/app1.git", "https://git.example.com:8443/app1.git"),
        ("https://git.example.com/app1.git?private_token=s3cret", "https://git.example.com/app1.git"),
        ("https://a:s3@cret@git.example.com/app1.git#s3cret", "https://git.example.com/app1.git"),
        ("https://git.example.com/app1.git?login=ana@s3cret", "https://git.example.com/app1.git"),
        ("s3cret@git.example.com:app1.git", "git.example.com:app1.git"),
        ("/srv/git@home/app1.git", "/srv/git@home/app1.git"),
        ("", ""),
    ],
)
def test_a_remotes_address_is_told_without_its_secrets(repository, url, label):
    if url:
        git(repository, "remote", "add", "origin", url)
    assert at(repository).origin == label
