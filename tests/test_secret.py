"""inv secrets.edit as people type it: what it leaves when it is interrupted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

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
        argv, cwd=PROJECT, env={**os.environ, **about}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        wait_until(told.exists, 30)
        path = Path(told.read_text().strip())
        assert "password: " in path.read_text()
        process.send_signal(ending)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert said.strip() == "Interrupted; nothing was changed. Again: inv secrets.edit"
    assert not path.parent.exists()
    assert FILE.read_bytes() == before
