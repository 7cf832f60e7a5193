"""What is asked of a version's image in the registry."""

import json

import pytest

from tasks.errors import Refused
from tasks.run import registry

from ..plan.world import TARGET, V1, V2

MANIFEST = json.dumps({"mediaType": registry.MANIFEST, "config": {"digest": "sha256:c"}}).encode()
CONFIG = json.dumps({"config": {"Labels": {"org.opencontainers.image.revision": "abc"}}}).encode()


@pytest.fixture
def asked(monkeypatch):
    """A registry that has V1 of app1; what it was told to keep, by path."""
    there = {
        f"/v2/app1/manifests/{V1}": MANIFEST,
        "/v2/app1/blobs/sha256:c": CONFIG,
        "/v2/app1/tags/list": json.dumps({"tags": [str(V1)]}).encode(),
    }
    kept = {}

    def ask(where, path, put=None, kind=""):
        if put:
            kept[path] = (put, kind)
        return there.get(path)

    monkeypatch.setattr(registry, "_ask", ask)
    return kept


def test_an_image_tells_the_commit_that_it_was_built_from(asked):
    assert registry.label(TARGET, V1, "org.opencontainers.image.revision") == "abc"
    assert registry.label(TARGET, V1, "no.such.label") == ""


def test_an_images_other_name_gets_the_same_manifest_of_the_same_kind(asked):
    registry.name_again(TARGET, V1, str(V2))
    assert asked == {f"/v2/app1/manifests/{V2}": (MANIFEST, registry.MANIFEST)}


@pytest.mark.parametrize("ask", [lambda: registry.label(TARGET, V2, "x"), lambda: registry.name_again(TARGET, V2, "x")])
def test_a_version_that_is_not_there_is_refused_with_what_is(asked, ask):
    with pytest.raises(Refused, match=f"has no app1 {V2}; the newest there: {V1}"):
        ask()
