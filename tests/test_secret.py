"""inv secrets.edit as people type it: what it leaves when it is interrupted."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks import secret
from tasks.errors import BadConfig
from tasks.run.settings import PROJECT
from tests.integration.conftest import wait_until

FILE = PROJECT / "conf" / "inventory" / "vagrant" / "secrets.age"


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_was_decrypted_is_gone_and_nothing_is_changed_however_it_ends(tmp_path, ending):
    before = FILE.read_bytes()
    told, editor = tmp_path / "told", tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\necho "$1" >{told}.new && mv {told}.new {told}\nexec sleep 60\n')
    editor.chmod(0o755)
    about = {"DEPL_ENVIRONMENT": "vagrant", "DEPL_KEY": str(PROJECT / "vagrant_rsa"), "VISUAL": str(editor)}
    argv = [sys.executable, "-m", "invoke", "secrets.edit"]
    with subprocess.Popen(
        argv, cwd=PROJECT, env={**os.environ, **about}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        # Whoever runs these tests in the background has the signal ignored, and a program keeps that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:  # fmt: skip
        wait_until(told.exists, 30)
        path = Path(told.read_text().strip())
        assert "password: " in path.read_text()
        process.send_signal(ending)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert said.strip() == "Interrupted; nothing was changed. Again: inv secrets.edit"
    assert not path.parent.exists()
    assert FILE.read_bytes() == before


AT_A_TERMINAL = """
from tasks.errors import BadConfig
from tasks.run import editor

def check(text):
    if "good" not in text:
        raise BadConfig("secrets of test: apps.app1", "is wrong")
    return text.split()

try:
    print("taken:", editor.edit("bad", check, "inv secrets.edit"))
except Exception as error:
    print("refused:", error)
"""


@pytest.mark.parametrize(("answer", "outcome"), [("y", "taken: ['bad', 'good']"), ("n", "Nothing was changed.")])
def test_at_a_terminal_a_mistake_can_be_mended_without_typing_all_again(tmp_path, answer, outcome):
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\ntest -e {tmp_path}/once && echo " good" >>"$1"\ntouch {tmp_path}/once\n')
    editor.chmod(0o755)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL], cwd=PROJECT, env={**os.environ, "VISUAL": str(editor)},
        stdin=theirs, stdout=theirs, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        said = b""
        while b"[Y/n]" not in said:
            said += os.read(ours, 4096)
        os.write(ours, f"{answer}\n".encode())
        process.wait(20)
        said += os.read(ours, 4096)
    os.close(ours)
    assert "secrets of test: apps.app1: is wrong" in said.decode()
    assert outcome in said.decode()


def test_what_became_of_each_value_is_told_by_name():
    before, after = {"apps.a.KEPT": "1", "apps.a.NEW": "1", "apps.a.GONE": "1"}, {"apps.a.KEPT": "1", "apps.a.NEW": "2"}
    assert secret._compared(before, {**after, "apps.a.MORE": "3"}) == {
        "apps.a.GONE": "removed", "apps.a.MORE": "new", "apps.a.NEW": "changed",
    }  # fmt: skip


def test_a_new_value_for_an_app_that_is_none_is_refused():
    with pytest.raises(BadConfig, match=r"secrets of test: apps\.app2: is no app; conf/apps describes: app1"):
        secret._checked("secrets of test", {}, "apps: {app2: {TOKEN: x}}")


@pytest.mark.parametrize("path", [" services/s3cret", "services/s3cret x", "services/s3cretä"])
def test_an_end_of_the_chats_url_that_no_url_can_have_is_refused_without_it(path):
    said = (
        r"^secrets of test: notify\.chat\.path: expected the end of a URL: no blank, and no letter that is not ASCII$"
    )
    with pytest.raises(BadConfig, match=said):
        secret._checked("secrets of test", {}, f'notify: {{chat: {{path: "{path}"}}}}')


def test_an_end_of_the_chats_url_is_taken():
    assert secret._checked("x", {}, "notify: {chat: {path: '/services/T0/s3cret?x=%20'}}") == {
        "notify.chat.path": "/services/T0/s3cret?x=%20"
    }


@pytest.mark.parametrize(
    ("places", "steps"),
    [
        (["apps.app1.TOKEN", "apps.app1.KEY"], ["inv promote --env-only --app app1"]),
        (["branches.app1.TOKEN"], ["inv branch.up for each branch of app1"]),
        (
            ["services.queue.password", "branches.app1.TOKEN"],
            [
                "inv services.up (inv infra.up for the company's own)",
                "inv promote --env-only for each app that uses it",
                "inv branch.up for each branch of app1",
            ],
        ),
    ],
)
def test_new_values_of_every_kind_come_with_what_to_type_next(places, steps):
    assert secret._next(places) == steps
