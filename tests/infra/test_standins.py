"""TeamCity and Jira as the example's inventory has them, by the role, over a stand-in that says what it was given.

The products themselves were not started: their images can't be had here. What is tested is what depl does with the
example's data: variables, data, user, rights, the way to the database, nginx's headers, backup and restore.
"""

import json
import re

import pytest
import yaml

from tasks.run import secrets

from ..integration.conftest import PROJECT, inventory
from .conftest import destroy, home

pytestmark = pytest.mark.integration

IMAGE = "deploy:5000/stand-in:1"
PRODUCTS = ("teamcity", "jira")
PORTS = {"teamcity": "5441", "jira": "5442"}
PASSWORDS = {"teamcity": "DATABASE_PASSWORD", "jira": "ATL_JDBC_PASSWORD"}
CHOWN, DAC_OVERRIDE, FOWNER, SETGID, SETUID = (1 << number for number in (0, 1, 3, 6, 7))
DOCKERFILE = """FROM debian:bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends curl python3 && rm -rf /var/lib/apt/lists/*
COPY standin.py /
CMD ["python3", "/standin.py"]
"""


def example():
    """The two products and their databases, as the example has them, but for the image and the memory.

    Jira is healthy while its database can be reached: who brings it up first waits in vain.
    """
    text = (PROJECT / "conf/inventory/production.example/group_vars/all.yml").read_text()
    block = text.partition("\n# depl_infra:\n")[2].partition("\n\n")[0]
    shown = yaml.safe_load("\n".join(line.removeprefix("#") for line in block.splitlines()))["services"]
    own = {name: shown[name] for product in PRODUCTS for name in (product, f"{product}-database")}
    for name in PRODUCTS:
        own[name] |= {"image": IMAGE, "memory": "64m"}
    *program, url = own["jira"]["health"]
    own["jira"] |= {"health": [*program, f"{url}?database=172.17.0.1:{PORTS['jira']}"], "timeout": 60}
    return own


def with_them(name, text):
    if name != "all.yml":
        return text
    found = yaml.safe_load(text)
    found["depl_infra"]["services"] |= example()
    return yaml.safe_dump(found)


@pytest.fixture(scope="module")
def products(infra):
    """The stand-ins, brought up by the playbook; what they say by product."""
    script = (PROJECT / "tests/infra/standin.py").read_text()
    infra.on_deploy(
        f"rm -rf /tmp/stand-in && mkdir /tmp/stand-in && cat > /tmp/stand-in/standin.py <<'END'\n{script}\nEND"
    )
    infra.on_deploy(f"cat > /tmp/stand-in/Dockerfile <<'END'\n{DOCKERFILE}END")
    infra.on_deploy(f"docker build --quiet --tag {IMAGE} /tmp/stand-in && docker push --quiet {IMAGE}")
    names = [f"{product}-database" for product in PRODUCTS]
    with inventory("standins", with_them) as environment:
        file = secrets.read("standins")
        secrets.update(
            "standins", file.recipients, {f"services.{one}.password": secrets.random_value() for one in names}
        )
        infra.on_deploy(f"cd /vagrant && {environment} conf/ansible/bootstrap services", timeout=1200)
        yield environment
    for name in (*PRODUCTS, *names):
        infra.on("infra", f"sudo rm -f /srv/depl/supervisor/service-{name}.conf; sudo supervisorctl update >/dev/null;"
                          f"sudo docker rm -f service-{name}; sudo rm -rf {home(name)}")  # fmt: skip
    infra.on_deploy("cd /vagrant && DEPL_ENVIRONMENT=vagrant conf/ansible/bootstrap services", timeout=1200)


def told(infra, product, **asked):
    query = "&".join(f"{key}={value}" for key, value in asked.items())
    return infra.get(f"{product}.example.com", f"/?{query}", "infra").json()


def test_each_gets_its_user_and_only_the_rights_that_it_needs(infra, products):
    teamcity, jira = (told(infra, product) for product in PRODUCTS)
    assert (teamcity["user"], int(teamcity["rights"], 16)) == (1000, 0)
    assert (jira["user"], int(jira["rights"], 16)) == (0, CHOWN | DAC_OVERRIDE | FOWNER | SETGID | SETUID)


def test_each_may_write_to_its_data(infra, products):
    for product in PRODUCTS:
        assert told(infra, product, data=example()[product]["data"])["data"], product


def test_teamcity_is_told_of_the_proxy_and_where_its_database_is(infra, products):
    found = told(infra, "teamcity")["environment"]
    assert found["TEAMCITY_HTTPS_PROXY_ENABLED"] == "true"
    assert (found["DATABASE_HOST"], found["DATABASE_PORT"], found["DATABASE_USER"]) == (
        "172.17.0.1",
        "5441",
        "teamcity",
    )
    assert told(infra, "teamcity", database=f"172.17.0.1:{PORTS['teamcity']}")["database"]


def test_jira_is_told_of_the_proxy_and_where_its_database_is(infra, products):
    found = told(infra, "jira")["environment"]
    assert found["ATL_JDBC_URL"] == "jdbc:postgresql://172.17.0.1:5442/jira"
    assert found["ATL_JDBC_USER"] == "jira"
    assert re.fullmatch(r"[0-9a-f]{40}", found["ATL_JDBC_PASSWORD"])
    assert (found["ATL_PROXY_NAME"], found["ATL_PROXY_PORT"], found["ATL_TOMCAT_SCHEME"]) == (
        "jira.example.com", "443", "https",
    )  # fmt: skip
    assert told(infra, "jira", database=f"172.17.0.1:{PORTS['jira']}")["database"]


def asked(infra, product, question):
    """What a product's database answers, with the password that the product was given."""
    password = told(infra, product)["environment"][PASSWORDS[product]]
    ask = f'psql --quiet --tuples-only --no-align --command "{question}"'
    who = f"--host 127.0.0.1 --username {product} {product}"
    return infra.on(
        "infra", f"sudo docker exec -e PGPASSWORD={password} service-{product}-database {ask} {who}"
    ).strip()


def test_the_password_that_it_was_given_opens_its_database(infra, products):
    assert asked(infra, "jira", "select current_database()") == "jira"


def test_nginx_says_who_asks_for_what_by_which_way(infra, products):
    for product in PRODUCTS:
        found = told(infra, product)["headers"]
        assert found["host"] == f"{product}.example.com"
        assert found["x-forwarded-proto"] == "http"
        assert found["x-forwarded-for"] == found["x-real-ip"] != ""


def test_the_data_of_each_survive_their_destruction(infra, products):
    for product in PRODUCTS:
        told(infra, product, data=example()[product]["data"])
        asked(infra, product, "create table kept as select 'kept' as word")
        infra.must("infra.backup", "--service", product, environment=products)
        destroy(infra, product)
        destroy(infra, f"{product}-database")
        infra.must("infra.restore", product, environment=products)
        assert infra.on("infra", f"sudo cat {home(product)}/data/stand-in") == "kept"
        assert asked(infra, product, "select word from kept") == "kept"


def test_all_of_them_are_told(infra, products):
    rows = json.loads(infra.must("infra.status", "--json", environment=products))["services"]
    assert {row["service"]: row["health"] for row in rows if row["service"] in PRODUCTS} == dict.fromkeys(
        PRODUCTS, "ok"
    )
