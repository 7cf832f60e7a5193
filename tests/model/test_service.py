"""The way to a service, as each app wants it written."""

import pytest

from tasks.model.service import Service, fill, way

DATABASE = Service(kind="postgresql", host="db")


@pytest.mark.parametrize(("folder", "host"), [(None, "db.internal"), ("/run/depl/database", "/run/depl/database")])
def test_one_text_with_parts_leads_by_socket_and_by_tcp(folder, host):
    parts = way(DATABASE, "app1", "secret", folder, "db.internal")
    wish = "x://{user}:{password}@/{name}?host={host}&port={port}"
    assert fill(wish, parts) == f"x://app1:{parts['password']}@/app1?host={host}&port=5432"
    assert fill("url", parts) == parts["url"]


def test_braces_in_a_part_are_text():
    parts = way(Service(kind="other", host="db"), "app1", "a{user}b", None, "db.internal")
    assert fill("{password}", parts) == "a{user}b"
