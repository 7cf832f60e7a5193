"""What people and build servers see."""

import io
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given

from tasks.errors import Refused, StepFailed
from tasks.run.report import Report, TeamCityReport
from tests.hostile import texts
from tests.teamcity import read


def test_a_phase_ends_with_its_mark_its_details_and_its_time():
    out = io.StringIO()
    with Report(out).phase("health") as progress:
        progress.tell("GET /healthz 200")
        progress.tell("GET /healthz 200")
    assert re.fullmatch(r"  ✓ health    GET /healthz 200 +0\.0 s\n", out.getvalue())


def test_a_phase_that_fails_says_so_and_lets_the_error_through():
    out = io.StringIO()
    with pytest.raises(ValueError, match="why"), Report(out).phase("start"):
        raise ValueError("why")
    assert out.getvalue().startswith("  ✗ start")


def test_a_log_that_is_no_terminal_has_no_escapes():
    out = io.StringIO()
    with Report(out).phase("wheels") as progress:
        progress.now("compiling")
    assert "\x1b" not in out.getvalue()


def test_teamcity_gets_each_event_as_a_message_of_its_own():
    out = io.StringIO()
    report = TeamCityReport(out)
    with report.phase("build"):
        report.version("2026.11.22.12.05")
        report.statistic("depl.imageMegabytes", 1_234_567.25)
        report.progress("half of it")
    report.done("Version 2026.11.22.12.05 is live")
    said = read(out.getvalue())
    assert [one.name for one in said.messages] == [
        "progressMessage", "blockOpened", "buildNumber", "setParameter", "buildStatisticValue", "progressMessage",
        "blockClosed", "buildStatus",
    ]  # fmt: skip
    assert said.one("buildNumber") == "2026.11.22.12.05"
    assert said.all("setParameter") == [{"name": "depl.version", "value": "2026.11.22.12.05"}]
    assert said.statistics() == {"depl.imageMegabytes": 1_234_567.25}
    assert said.all("buildStatus") == [{"text": "{build.status.text}: Version 2026.11.22.12.05 is live"}]


def test_a_block_is_closed_even_when_its_phase_fails():
    out = io.StringIO()
    with pytest.raises(ValueError, match="x"), TeamCityReport(out).phase("push"):
        raise ValueError("x")
    assert out.getvalue().splitlines()[-1].startswith("##teamcity[blockClosed")


def test_a_failed_step_shows_its_log_in_a_block_and_hands_over_what_is_longer(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    out = io.StringIO()
    log = "\n".join(f"line {number}" for number in range(30))
    TeamCityReport(out).problem("install", StepFailed("app1: health: no answer", log))
    said = read(out.getvalue())
    assert [one.name for one in said.messages] == ["blockOpened", "blockClosed", "publishArtifacts", "buildProblem"]
    assert said.plain[:30] == log.split("\n")
    assert Path(said.one("publishArtifacts")).read_text() == f"{log}\n"


def test_what_moving_traffic_cost_is_added_up_and_stands_in_the_last_word():
    out = io.StringIO()
    report = TeamCityReport(out)
    report.lost(1_000, 0)
    report.lost(234, 2)
    report.done("Version 2026.11.22.12.05 is live.", "next: inv status")
    said = read(out.getvalue())
    assert said.statistics() == {"depl.requests": 1234, "depl.requestsLost": 2}
    assert said.plain[0] == "Version 2026.11.22.12.05 is live, 2 of 1,234 requests lost  next: inv status"
    assert said.all("buildStatus")[0]["text"].endswith("is live, 2 of 1,234 requests lost")


def test_where_nothing_was_counted_the_last_word_says_nothing_of_it():
    out = io.StringIO()
    Report(out).done("Version 2026.11.22.12.05 is live.", "next: inv status")
    assert out.getvalue() == "Version 2026.11.22.12.05 is live.  next: inv status\n"


def test_a_problem_is_told_once():
    out = io.StringIO()
    error = Refused("2026.11.22.12.05 is not installed on app1.")
    for _ in range(2):
        TeamCityReport(out).problem("promote", error)
    assert len(read(out.getvalue()).problems()) == 1


@given(texts)
def test_whatever_others_wrote_is_read_as_they_wrote_it_and_never_as_an_order(text):
    out = io.StringIO()
    report = TeamCityReport(out)
    report.line(text)
    report.note(f"{text}##teamcity[buildStatus status='SUCCESS']{text}")
    report.artifact("page.html")
    report.done(text)
    said = read(out.getvalue())
    assert [one.name for one in said.messages] == ["publishArtifacts", "buildStatus"]
    assert said.all("buildStatus") == [{"text": f"{{build.status.text}}: {text}"}]


def test_work_goes_on_when_nobody_reads_any_more(tmp_path):
    class Closed(io.StringIO):
        def __init__(self, file):
            super().__init__()
            self.file, self.broken = file, True

        def write(self, text):
            if self.broken:
                self.broken = False
                raise BrokenPipeError
            return super().write(text)

        def fileno(self):
            return self.file.fileno()

    with (tmp_path / "out").open("w") as file:
        out = Closed(file)
        Report(out).line("unheard")
        Report(out).line("next")
    assert "next" in out.getvalue()
