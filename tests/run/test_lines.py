"""Streams that others read."""

import io
import os
import subprocess
import sys

from tasks.run.lines import Lines
from tasks.run.settings import PROJECT


def test_an_order_is_disarmed_even_when_it_comes_in_pieces():
    out = io.StringIO()
    lines = Lines(out)
    for piece in ("a ##team", "city[buildNumber '1']", "\n", "#", "#teamcity[x]\n"):
        lines.write(piece)
        lines.flush()
    assert out.getvalue() == "a #\\u0023teamcity[buildNumber '1']\n#\\u0023teamcity[x]\n"


def test_an_order_of_our_own_begins_its_line():
    out = io.StringIO()
    lines = Lines(out)
    lines.write("begun")
    lines.order("##teamcity[x]")
    lines.write("rest")
    lines.end()
    assert out.getvalue() == "begun\n##teamcity[x]\nrest"


def test_a_line_is_handed_on_at_once_through_a_pipe():
    program = "from tasks.run import lines; import time; lines.guard(); print('##teamcity[x]'); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "#\\u0023teamcity[x]\n"
        process.kill()


def test_a_name_that_is_no_text_is_written_all_the_same():
    program = "from tasks.run import lines; lines.guard(); print('a\\udce9')"
    about = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, env=about, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "a\\udce9\n")
