"""Every command of the README's daily round, in its order, on real hosts."""

from __future__ import annotations

import re
import shlex

import pytest

from .conftest import PROJECT

pytestmark = pytest.mark.integration


def test_the_readmes_daily_round_works_as_written(sandbox, builds):
    text = (PROJECT / "README.md").read_text()
    (block,) = re.findall(r"```console\n(.*?)```", text, re.S)
    commands = [shlex.split(line.removeprefix("$ inv ")) for line in block.splitlines() if line.startswith("$ inv ")]
    assert len(commands) >= 8
    for words in commands:
        if "--follow" in words:
            continue
        out = sandbox.must(*words)
        assert out.strip()
    assert len(sandbox.live()) == 1


def test_completion_scripts_are_printed(sandbox):
    for shell in ("bash", "zsh"):
        assert "complete" in sandbox.on_deploy(f"cd /vagrant && inv --print-completion-script {shell}")


def test_a_second_bootstrap_changes_nothing(sandbox):
    for playbook in ("deploy", "appserver", "balancer"):
        said = sandbox.on_deploy(f"/vagrant/conf/ansible/bootstrap {playbook}")
        recap = said[said.index("PLAY RECAP") :]
        assert re.findall(r"changed=(\d+)", recap)
        assert set(re.findall(r"changed=(\d+)", recap)) == {"0"}
        assert set(re.findall(r"(?:failed|unreachable)=(\d+)", recap)) == {"0"}
