"""Old versions leave the registry after a prune: which, what is said, and what stops it."""

import io
import threading
import urllib.error
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_UN, flock
from hashlib import sha256

import pytest

from tasks.errors import BadConfig, Refused, Unreachable
from tasks.model.branch import Branch
from tasks.model.image import CONTROL
from tasks.model.release import Release
from tasks.model.version import Version
from tasks.run import old_versions, registry
from tasks.run.report import Report

from ..plan.world import APP1, APP2, TARGET, Story, installed

V = [Version(f"2026.11.22.12.{n:02}") for n in range(6)]
LATER = datetime(2026, 12, 1, tzinfo=UTC).timestamp()


class Shelf:
    """A registry as Debian's does it: tags of manifests; who deletes a manifest deletes all its tags."""

    def __init__(self):
        self.repository = "app1"
        self.tags = {}
        self.deleted = []
        self.trouble = None

    def ask(self, where, path, put=None, kind="", method=""):
        repository, _, rest = path.removeprefix(f"/v2/{self.repository}/").partition("/")
        assert where == "deploy:5000"
        if path == f"/v2/{self.repository}/tags/list":
            return registry.json.dumps({"tags": sorted(self.tags)}).encode()
        assert repository == "manifests"
        if method == "DELETE":
            if self.trouble:
                raise self.trouble
            self.deleted.append(rest)
            self.tags = {tag: one for tag, one in self.tags.items() if digest(one) != rest}
            return b""
        return self.tags.get(rest)


def digest(manifest):
    return f"sha256:{sha256(manifest).hexdigest()}"


@dataclass
class Pruned:
    """What a prune hands on: as much of it as is looked at."""

    target: object
    dry: bool = False
    report: Report = field(default_factory=lambda: Report(io.StringIO()))

    @property
    def said(self):
        return self.report.out.getvalue()


@pytest.fixture
def shelf(monkeypatch):
    found = Shelf()
    found.tags = {str(one): f"manifest of {one}".encode() for one in V}
    monkeypatch.setattr(registry, "_ask", found.ask)
    return found


@pytest.fixture
def others(tmp_path_factory, monkeypatch):
    """Other inventories of the checkout, by name: what is read of each, or why it can't be."""
    project, found = tmp_path_factory.mktemp("project"), {}

    def load(name):
        if isinstance(found[name], BadConfig):
            raise found[name]
        return found[name]

    def there(name, what):
        (project / "conf" / "inventory" / name).mkdir(parents=True)
        found[name] = what

    there(TARGET.environment.name, None)
    (project / "conf" / "inventory" / "README").touch()
    there(".idea", BadConfig("conf/inventory/.idea", "never read"))
    monkeypatch.setattr("tasks.run.settings.PROJECT", project)
    monkeypatch.setattr("tasks.run.inventory.load", load)
    return there


@pytest.fixture
def pruned(tmp_path, others):
    environment = replace(TARGET.environment, cache=str(tmp_path), keep_built=2)
    return Pruned(replace(TARGET, environment=environment, now=LATER))


def on_hosts(version, *hosts):
    return [Story(host).has(installed(version, 0)).went_live(Release(version, 0), at=1).facts() for host in hosts]


LIVE = on_hosts(V[1], APP1, APP2)


def test_what_no_host_needs_and_is_not_among_the_newest_leaves(shelf, pruned):
    assert old_versions.remove(pruned, LIVE) == 3
    assert set(shelf.tags) == {str(V[1]), str(V[4]), str(V[5])}
    assert f"Out of the registry: {V[0]}, {V[2]}, {V[3]}." in pruned.said
    assert old_versions.remove(pruned, LIVE) == 0, "the next prune finds nothing to do"


def test_a_manifest_of_a_kept_name_is_not_touched(shelf, pruned):
    shelf.tags[f"{V[4]}{CONTROL}"] = shelf.tags[str(V[0])]
    assert old_versions.remove(pruned, LIVE) == 2
    assert {str(V[0]), f"{V[4]}{CONTROL}"} <= set(shelf.tags)


def test_a_manifest_with_two_old_names_is_deleted_once(shelf, pruned):
    shelf.tags[f"{V[2]}{CONTROL}"] = shelf.tags[str(V[0])]
    assert old_versions.remove(pruned, LIVE) == 4
    assert len(shelf.deleted) == len(set(shelf.deleted)) == 3


def test_a_dry_run_says_what_would_go_and_takes_neither_lock_nor_version(shelf, pruned):
    before = dict(shelf.tags)
    pruned.dry = True
    assert old_versions.remove(pruned, LIVE) == 0
    assert pruned.said == f"Would remove from the registry: {V[0]}, {V[2]}, {V[3]}\n"
    assert shelf.tags == before
    assert not list(registry.Path(pruned.target.environment.cache).iterdir())


def test_a_host_that_is_left_out_may_need_any_version(shelf, pruned):
    assert old_versions.remove(pruned, LIVE[:1]) == 0
    assert not shelf.deleted
    assert pruned.said == "Note: app2 may need any version: none is removed from the registry.\n"


def test_what_the_hosts_of_another_inventory_with_the_same_registry_need_nobody_knows(shelf, pruned, others):
    others("qa", pruned.target.environment)
    assert old_versions.remove(pruned, LIVE) == 0
    assert not shelf.deleted
    said, to_do = pruned.said.splitlines()
    assert said == "Note: conf/inventory/qa has app1 in deploy:5000 too: none is removed from the registry."
    assert "depl_registry" in to_do


def test_an_inventory_that_can_not_be_read_may_have_the_same_registry(shelf, pruned, others):
    others("qa", BadConfig("conf/inventory/qa", "Decryption failed"))
    assert old_versions.remove(pruned, LIVE) == 0
    assert not shelf.deleted
    assert pruned.said.startswith("Note: conf/inventory/qa: Decryption failed")
    assert "none is removed from the registry" in pruned.said


def test_inventories_with_registries_or_apps_of_their_own_prune_their_own(shelf, pruned, others):
    others("qa", replace(pruned.target.environment, registry="qa:5000"))
    others("shop", replace(pruned.target.environment, apps={}))
    others("shop.example", BadConfig("conf/inventory/shop.example", "never read"))
    assert old_versions.remove(pruned, LIVE) == 3
    assert "Note" not in pruned.said


def test_another_inventory_is_no_matter_where_nothing_is_old(shelf, pruned, others):
    others("qa", pruned.target.environment)
    shelf.tags = {str(V[5]): b"the newest"}
    assert old_versions.remove(pruned, LIVE) == 0
    assert not pruned.said


def test_a_registry_that_forbids_it_is_named_once_and_is_no_failure(shelf, pruned):
    shelf.trouble = Refused("The registry deploy:5000 lets nobody delete images.\nAllow it: storage.delete.enabled")
    assert old_versions.remove(pruned, LIVE) == 0
    assert pruned.said.count("lets nobody delete images") == 1
    assert "Allow it:" in pruned.said


def test_a_registry_that_can_not_be_reached_fails_and_says_that_the_hosts_are_pruned(shelf, pruned):
    shelf.trouble = Unreachable("The registry deploy:5000 can't be reached: timed out.")
    with pytest.raises(Unreachable, match="^The hosts are pruned, the registry is not: The registry deploy:5000 can't"):
        old_versions.remove(pruned, LIVE)


def test_it_waits_for_a_collection_and_says_so(shelf, pruned, monkeypatch):
    lock, note = registry.Path(pruned.target.environment.cache) / registry.LOCK, pruned.report.note
    with lock.open("w") as held:
        flock(held, LOCK_EX)

        release = threading.Timer(0.1, flock, (held, LOCK_UN))

        def noted(text):
            note(text)
            if "Waiting" in text:
                release.start()

        monkeypatch.setattr(pruned.report, "note", noted)
        assert old_versions.remove(pruned, LIVE) == 3
        release.join()
    assert pruned.said.count("Waiting for the registry") == 1


# --- branches ---


@pytest.fixture
def raised(pruned):
    """A branch whose live build is V[1], at the end of a branch.up."""
    pruned.facts = on_hosts(V[1], APP1)
    return pruned


def test_a_branchs_former_builds_leave_and_the_live_one_and_the_newest_stay(shelf, raised):
    old_versions.remove_former(raised)
    assert set(shelf.tags) == {str(V[1]), str(V[5])}
    assert f"Out of the registry: {V[0]}, {V[2]}, {V[3]}, {V[4]}." in raised.said


@pytest.mark.parametrize(
    "trouble",
    [
        Refused("The registry deploy:5000 lets nobody delete images.\nAllow it: storage.delete.enabled"),
        Unreachable("The registry deploy:5000 can't be reached: timed out."),
    ],
)
def test_a_registry_that_keeps_a_branchs_former_builds_is_told_and_the_branch_is_up_all_the_same(
    shelf, raised, trouble
):
    shelf.trouble = trouble
    old_versions.remove_former(raised)
    assert f"Note: former builds stay in the registry. {trouble}\n" in raised.said


def test_a_branch_of_an_app_that_another_inventory_has_in_the_same_registry_keeps_its_builds(shelf, raised, others):
    app = replace(raised.target.app, name="app1--x")
    raised.target = replace(raised.target, app=app, branch=Branch("app1", "x", "x"))
    shelf.repository = "app1--x"
    others("qa", raised.target.environment)
    old_versions.remove_former(raised)
    assert not shelf.deleted
    assert raised.said.startswith("Note: conf/inventory/qa has app1 in deploy:5000 too")


def test_an_app_that_goes_leaves_no_name(shelf, pruned):
    shelf.tags[f"{V[2]}{CONTROL}"] = shelf.tags[str(V[0])]
    registry.forget(pruned.target, pruned.report)
    assert not shelf.tags


def test_a_405_says_what_to_allow(monkeypatch):
    def refuse(request, **_):
        raise urllib.error.HTTPError(request.full_url, 405, "", {}, None)

    monkeypatch.setattr(registry.urllib.request, "urlopen", refuse)
    with pytest.raises(Refused, match="lets nobody delete images.\nAllow it: storage.delete.enabled"):
        registry.remove("deploy:5000", "app1", "sha256:0")
