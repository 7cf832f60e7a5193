"""What is asked of a version's image in the registry."""

import io
import json
from dataclasses import replace

import pytest

from tasks.errors import Refused
from tasks.run import registry
from tasks.run.report import Report

from ..plan.world import TARGET, V1, V2

MANIFEST = json.dumps({"mediaType": registry.MANIFEST, "config": {"digest": "sha256:c"}}).encode()
CONFIG = json.dumps({"config": {"Labels": {"org.opencontainers.image.revision": "abc"}}}).encode()


@pytest.fixture
def target(tmp_path):
    """The app, on a machine of its own."""
    return replace(TARGET, environment=replace(TARGET.environment, cache=str(tmp_path)))


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


def test_an_images_other_name_gets_the_same_manifest_of_the_same_kind(asked, target):
    registry.name_again(target, V1, str(V2), Report(io.StringIO()))
    assert asked == {f"/v2/app1/manifests/{V2}": (MANIFEST, registry.MANIFEST)}


@pytest.mark.parametrize(
    "ask", [lambda it: registry.label(it, V2, "x"), lambda it: registry.name_again(it, V2, "x", Report(io.StringIO()))]
)
def test_a_version_that_is_not_there_is_refused_with_what_is(asked, target, ask):
    with pytest.raises(Refused, match=f"has no app1 {V2}; the newest there: {V1}"):
        ask(target)
