"""What people and build servers see."""

import io
import re

import pytest

from tasks.run.report import Report, TeamCityReport

# A message as TeamCity's documentation describes it: everything special in a value is escaped by |.
MESSAGE = re.compile(r"##teamcity\[\w+( \w+='(\|.|[^|'\[\]\n])*'| '(\|.|[^|'\[\]\n])*')+\]")


def messages(out):
    return [line for line in out.getvalue().splitlines() if line.startswith("##teamcity")]


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


def test_teamcity_messages_are_escaped_and_one_a_line():
    out = io.StringIO()
    report = TeamCityReport(out)
    hostile = "it's [a] |pipe|\nand a line"
    with report.phase("build"):
        report.version("2026.11.22.12.05")
        report.statistic("depl.seconds", 1.5)
    report.problem("promote", hostile)
    found = messages(out)
    assert all(MESSAGE.fullmatch(line) for line in found), found
    assert "##teamcity[buildNumber '2026.11.22.12.05']" in found
    assert "it|'s |[a|] ||pipe|||nand a line" in found[-1]
    assert [re.match(r"##teamcity\[(\w+)", line)[1] for line in found] == [
        "progressMessage", "blockOpened", "buildNumber", "setParameter", "buildStatisticValue", "blockClosed",
        "buildProblem",
    ]  # fmt: skip


def test_a_block_is_closed_even_when_its_phase_fails():
    out = io.StringIO()
    with pytest.raises(ValueError, match="x"), TeamCityReport(out).phase("push"):
        raise ValueError("x")
    assert messages(out)[-1].startswith("##teamcity[blockClosed")


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
