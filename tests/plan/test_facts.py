"""A host's answer as facts: what makes no sense on its disk is left out, not guessed at."""

from tasks.model.job import Job
from tasks.model.layout import Layout
from tasks.model.release import Release
from tasks.plan import facts

from .world import APP1, V1, V2

NAME = f"app1-{V1}-web"


def answer(**changes):
    found = {
        "clock": 1000.0,
        "disk_free": 10**10,
        "site": "abc",
        "live": {"link": "routes/2", "table": None, "counts": {f"{V1}@0": 1000}},
        "tables": {
            "1": {"live": None, "at": 1, "runs": []},
            "2": {"live": f"{V1}@0", "canary": None, "share": 0, "previous": None, "at": 2, "by": "ana@x"},
        },
        "releases": {f"{V1}@0": {"description": {"version": str(V1), "at": 5}, "health": 200}},
        "versions": {str(V1): f"../releases/{V1}@0"},
        "slots": {"0": f"../releases/{V1}@0"},
        "containers": [
            {"name": NAME, "version": str(V1), "image": "i", "image_id": "x", "state": "running", "exit": 0,
             "oom": False, "started": "", "memory": 1}
        ],
        "programs": {NAME: "RUNNING"},
        "audit": [],
        "jobs": {},
        "holder": None,
        "certificates": {"_.app1.foo": {"not_after": 2e9}, "odd": None},
    }  # fmt: skip
    return facts.parse(APP1, Layout("app1"), {**found, **changes})


def test_a_whole_release_is_healthy_and_serves():
    found = answer()
    assert found.find(V1).healthy
    assert found.serving == (Release(V1, 0),)
    assert found.live.number == 2
    assert found.last_number == 2


def test_of_a_jobs_file_only_what_makes_sense_is_taken():
    jobs = {
        "torn": {"record": None, "under_way": True},
        "odd": {"record": {"claimed": "soon"}, "under_way": False},
        "half": {"record": {"claimed": 5, "begun": -1, "exit": True, "skipped": "1"}, "under_way": 1},
        "whole": {"record": {"claimed": 5, "begun": 5, "ended": 6, "exit": 0, "seconds": 1.5}, "under_way": True},
    }
    assert answer(jobs=jobs).jobs == {"half": Job(5), "whole": Job(5, 5, 6, 0, 1.5, 0, True)}


def test_a_release_without_its_description_is_incomplete():
    assert not answer(releases={f"{V1}@0": {"description": None, "health": 200}}).find(V1).complete


def test_a_release_whose_links_lead_elsewhere_is_incomplete():
    assert not answer(slots={"0": f"../releases/{V2}@0"}).find(V1).complete
    assert not answer(versions={}).find(V1).complete


def test_a_dead_container_or_a_lost_program_is_not_healthy():
    assert not answer(containers=[]).find(V1).healthy
    assert not answer(programs={}).find(V1).healthy
    assert (
        not answer(releases={f"{V1}@0": {"description": {"version": str(V1), "at": 5}, "health": 503}}).find(V1).healthy
    )


def test_a_half_written_table_is_no_table():
    assert answer(tables={"2": None}).live is None
    assert answer(tables={"2": {"live": "nonsense"}}).live is None


def test_nothing_live_is_none():
    found = answer(live=None)
    assert found.live is None
    assert found.serving == ()


def test_folders_and_containers_of_others_are_left_alone():
    found = answer(releases={"lost+found": {"description": None, "health": None}}, containers=[
        {"name": "db", "version": None, "image": "i", "image_id": "x", "state": "running", "exit": 0, "oom": False,
         "started": "", "memory": None}])  # fmt: skip
    assert found.installed == ()
    assert found.strays == ()


def test_a_container_without_a_release_is_a_stray():
    assert [one.name for one in answer(releases={}).strays] == [NAME]


def test_work_without_an_end_is_unfinished():
    began, done = ({"outcome": outcome, "what": "promote"} for outcome in ("began", "done"))
    assert answer(audit=[done, began]).unfinished == began
    assert answer(audit=[began, done]).unfinished is None
