"""What a verb waits for before it does anything."""

import subprocess
import sys

HEAVY = ("duckdb", "plotille", "ziaplot", "zabbix_utils")


def test_verbs_load_no_library_that_only_a_few_of_them_need():
    program = f"import sys, tasks; print([one for one in {HEAVY} if one in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert found.stdout == "[]\n"
