"""The program that runs on hosts: tables whole or not at all, a lock that goes with its process."""

import json
import subprocess
import sys
from pathlib import Path

from tasks.model.percent import BUCKETS

PROGRAM = Path(__file__).parents[1] / "templates" / "host" / "onhost.py"


def run(*words):
    return subprocess.run([sys.executable, "-I", str(PROGRAM), *words], capture_output=True, text=True, check=True)


def describe(*runs):
    return json.dumps({"live": "x", "runs": list(runs)})


def test_a_table_leads_every_bucket_to_its_release(tmp_path):
    run("table", str(tmp_path), "7", describe(["releases/a@0", 950], ["releases/b@1", 50]))
    table = tmp_path / "routes" / "7"
    leads = [(table / f"{bucket:03d}").readlink().name for bucket in range(BUCKETS)]
    assert (leads.count("a@0"), leads.count("b@1")) == (950, 50)
    assert leads[949:951] == ["a@0", "b@1"]
    assert (tmp_path / "live.new").readlink() == Path("routes/7")
    assert not (tmp_path / "routes" / "7.new").exists()


def test_what_a_killed_writer_left_is_written_over(tmp_path):
    (tmp_path / "routes" / "7.new").mkdir(parents=True)
    (tmp_path / "routes" / "7.new" / "000").touch()
    (tmp_path / "live.new").symlink_to("routes/3")
    run("table", str(tmp_path), "7", describe(["nothing", 1000]))
    assert (tmp_path / "live.new").readlink() == Path("routes/7")


def holder(folder, who):
    return subprocess.Popen(
        [sys.executable, "-I", str(PROGRAM), "lock", str(folder), json.dumps({"who": who})],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def ask(process, question="lock"):
    process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def test_the_second_one_is_told_who_has_the_lock_and_gets_it_when_the_first_is_killed(tmp_path):
    with holder(tmp_path, "ana") as ana, holder(tmp_path, "ben") as ben:
        assert ask(ana) == {"locked": True}
        assert ask(ben) == {"holder": {"who": "ana"}}
        ana.kill()
        ana.wait(10)
        assert ask(ben) == {"locked": True}
        ben.stdin.close()
        assert ben.wait(10) == 0
