"""The image: slim, compiled with the flags that were asked for, and pushed layer by layer."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from tests.teamcity import read

from .conftest import PROJECT

pytestmark = pytest.mark.integration

FORBIDDEN = {
    "a compiler": r"(^|/)(gcc|g\+\+|cc|c\+\+|cc1|clang|ld|as|make)(-\d+)?$",
    "a header": r"\.(h|hpp|pxd|pyx)$",
    "a static library": r"\.a$",
    "pip": r"(^|/)(pip|ensurepip|setuptools|wheel)(-[\d.]+\.dist-info)?/",
    "a wheel": r"\.whl$",
    "a shell": r"(^|/)(ba|da|z)?sh$",
    "a package manager": r"(^|/)(apt|apt-get|dpkg|uv|pip3?)$",
    "a shell's history": r"_history$",
    "a cache": r"(^|/)(\.cache|__pycache__)/",
    "source that is compiled already": r"\.(c|cpp)$",
    "keys and passwords": r"(^|/)(id_rsa|id_ed25519|\.netrc|\.env|pip\.conf|config\.json)$",
}


@pytest.fixture(scope="module")
def files(sandbox, builds):
    image = f"deploy:5000/app1:{builds[0]}"
    line = f"name=$(docker create {image} x) && docker export $name | tar -t; docker rm $name >/dev/null"
    return sandbox.on_deploy(line).splitlines()


def inspect(sandbox, version):
    image = f"deploy:5000/app1:{version}"  # builds keep only the newest few on their own host
    return json.loads(sandbox.on_deploy(f"docker pull -q {image} >/dev/null && docker inspect {image}"))[0]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_slim_image_holds_nothing_that_only_a_build_needs(files, what):
    assert len(files) > 200, "the list itself must be whole"
    assert [name for name in files if re.search(FORBIDDEN[what], name)] == []


def test_the_image_runs_as_a_user_without_rights_and_says_where_it_comes_from(sandbox, builds):
    about = inspect(sandbox, builds[0])["Config"]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert about["User"] == "10001:10001"
    labels = about["Labels"]
    assert labels["org.opencontainers.image.version"] == builds[0]
    assert labels["org.opencontainers.image.revision"] == head.strip()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", labels["org.opencontainers.image.created"])
    assert "org.opencontainers.image.source" in labels


def test_the_flags_reached_the_compiler(sandbox, builds):
    log = sandbox.on_deploy("cat $(ls -td /var/lib/depl/wheels/app1-*/ | head -1)compile.log")
    compiled = [line for line in log.splitlines() if " -c " in line]
    assert len(compiled) >= 10
    for flag in ("-O3", "-march=x86-64-v2", "-flto=auto", "-D_FORTIFY_SOURCE=2"):
        assert [line for line in compiled if flag not in line.split()] == []
    assert {"ujson", "psycopg", "markupsafe"} <= {name for name in ("ujson", "psycopg", "markupsafe") if name in log}


def test_the_compiled_parts_are_the_ones_that_serve(sandbox, two):
    native = sandbox.get(f"{two[1]}.app1.foo", "/native").json()
    assert "c" in str(native["psycopg"]), native
    assert "binary" not in str(native["psycopg"])


def test_a_second_build_of_unchanged_requirements_compiles_nothing(sandbox, builds):
    before = sandbox.on_deploy("cat /var/lib/depl/wheels/*/compile.log | md5sum")
    assert "kept: nothing compiled" in sandbox.must("build")
    assert sandbox.on_deploy("cat /var/lib/depl/wheels/*/compile.log | md5sum") == before


def test_a_code_change_pushes_only_the_apps_layer(sandbox, builds):
    changed = subprocess.run(["bench/changed-commit"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    out = sandbox.must("build", "--ref", changed.strip())
    assert "1 of 3 layers new" in out
    version = out.strip().splitlines()[-1].split()[1]
    here, there = (inspect(sandbox, one)["RootFS"]["Layers"] for one in (builds[2], version))
    assert here[:-1] == there[:-1]
    assert here[-1] != there[-1]
    assert inspect(sandbox, version)["Config"]["Labels"]["org.opencontainers.image.revision"] == changed.strip()


def test_two_builds_in_one_minute_get_their_own_versions(builds):
    assert len(set(builds)) == 3
    assert builds == sorted(builds)


def test_build_under_teamcity_speaks_service_messages(sandbox, builds):
    ended = sandbox.inv("build", environment="TEAMCITY_VERSION=2026.1")
    assert ended.code == 0, ended.text
    said = read(ended.out)
    assert said.all("setParameter") == [{"name": "depl.version", "value": said.one("buildNumber")}]
    assert len(said.all("blockOpened")) == 7
    assert said.all("progressMessage")
    assert {"depl.imageMegabytes", "depl.buildSeconds"} <= said.statistics().keys()


def test_a_failure_under_teamcity_is_one_build_problem(sandbox):
    ended = sandbox.inv("promote", "--version", "1999.01.01.00.00", environment="TEAMCITY_VERSION=2026.1")
    assert ended.code == 1
    (identity,) = read(ended.out).problems()
    assert identity.startswith("depl_promote_app1_Refused_")
