"""Builds are named by their inputs: what didn't change is not made again."""

from dataclasses import replace

from tasks.model.app import Packages, Source, Wheels
from tasks.model.version import Version
from tasks.plan import build

from .world import APP, ON_TIME


def key(app=APP, builder="sha256:1", requirements="flask==3\n", epoch=1):
    return build.wheelhouse_key(app, builder, requirements, epoch)


def test_the_same_inputs_give_the_same_wheelhouse():
    assert key() == key()


def test_each_input_gives_another_wheelhouse():
    other_cpu = replace(APP, wheels=Wheels(cpu="x86-64-v3"))
    no_lto = replace(APP, wheels=Wheels(lto=False))
    compiled = replace(APP, wheels=Wheels(compile=("ujson",)))
    keys = [
        key(),
        key(other_cpu),
        key(no_lto),
        key(compiled),
        key(builder="sha256:2"),
        key(requirements=""),
        key(epoch=2),
    ]
    assert len(set(keys)) == len(keys)


def test_parts_do_not_run_into_each_other():
    assert build.digest("ab", "c") != build.digest("a", "bc")


def test_flags_are_the_whole_set_for_c_and_for_cpp():
    flags = build.flags(APP, 1)
    assert flags["CFLAGS"] == flags["CXXFLAGS"]
    for flag in ("-O3", "-march=x86-64-v2", "-flto=auto", "-fwrapv", "-DNDEBUG", "-D_FORTIFY_SOURCE=2"):
        assert flag in flags["CFLAGS"].split()


def test_only_what_is_listed_is_compiled():
    assert "--no-binary" not in build.wheels(APP, "r.txt")
    argv = build.wheels(replace(APP, wheels=Wheels(compile=("ujson", "psycopg-c"))), "r.txt")
    assert argv[argv.index("--no-binary") + 1] == "ujson,psycopg-c"


PACKAGE = replace(APP, source=Source(package="Foo.Bar==1.2", requirements=("g_unicorn[x]==23.0.0",)))
WHEELS = ("six-1.17.0-py2.py3-none-any.whl", "foo_bar-1.2-py3-none-any.whl", "g_unicorn-23.0.0-py3-none-any.whl")


def test_a_packages_own_wheel_is_a_layer_apart_from_what_it_brings():
    assert build.dependencies_list(PACKAGE, WHEELS) == "g-unicorn==23.0.0\nsix==1.17.0\n"
    assert build.own_code(PACKAGE)[-1] == "Foo.Bar==1.2"
    for argv in build.own_code(PACKAGE), build.dependencies(PACKAGE):
        assert argv[:3] == ("site-layer", build.WHEELS, "--no-deps")


def test_what_a_package_brings_unpinned_is_told():
    assert build.unpinned(PACKAGE, WHEELS) == ["six"]
    assert build.unpinned(APP, WHEELS) == []


def test_the_builder_has_the_headers_and_the_libraries_of_the_app():
    text = build.builder(Packages(build=("libpq-dev",), run=("libpq5",))).dockerfile
    assert "libpq-dev" in text
    assert "libpq5" in text


def test_only_an_app_with_jobs_gets_what_runs_them():
    assert "jobs.tar" not in build.dependencies_image(APP, "depl-slim:1")
    assert "ADD jobs.tar /" in build.dependencies_image(ON_TIME.app, "depl-slim:1")


def test_the_image_is_three_layers_and_labelled():
    below = build.dependencies_image(APP, "depl-slim:1")
    text = below + build.image(
        APP, "depl-dependencies:1", Version("2026.11.22.12.05"), "abc", "2026-11-22T12:05:00Z", "https://x/y"
    )
    assert [line.split()[1] for line in text.splitlines() if line.startswith("ADD")] == ["deps.tar", "app.tar"]
    for label in ("version", "revision", "created", "source"):
        assert f"org.opencontainers.image.{label}=" in text
    assert "USER 10001:10001" in text
