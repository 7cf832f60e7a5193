"""Bring database and search to what this version needs. Each step is done once, in order, and only adds.

A step that took something away would break the version before, which serves meanwhile and is where a rollback leads.
"""

import os
import sys
import time

from . import services

STEPS = (
    "CREATE TABLE notes (id bigserial PRIMARY KEY, text text NOT NULL, written timestamptz NOT NULL DEFAULT now())",
    """CREATE TABLE counts (id bigserial PRIMARY KEY, note bigint NOT NULL, words int NOT NULL,
                            version text NOT NULL, worker text NOT NULL, at timestamptz NOT NULL DEFAULT now())""",
    "CREATE TABLE digests (id bigserial PRIMARY KEY, notes bigint NOT NULL, at timestamptz NOT NULL DEFAULT now())",
)
# How tests have a migration go wrong.
FAULTS = {
    "TESTAPP_MIGRATE_FAIL": "SELECT 1 FROM no_such_table",
    "TESTAPP_MIGRATE_BREAK": "ALTER TABLE notes RENAME COLUMN text TO body",
    "TESTAPP_MIGRATE_LOCK": "LOCK TABLE notes IN ACCESS EXCLUSIVE MODE",
}
INDEX = (
    ("table_create", {"name": "Notes", "flags": "TABLE_HASH_KEY", "key_type": "ShortText"}),
    ("column_create", {"table": "Notes", "name": "text", "flags": "COLUMN_SCALAR", "type": "Text"}),
    ("table_create", {"name": "Words", "flags": "TABLE_PAT_KEY", "key_type": "ShortText",
                      "default_tokenizer": "TokenBigram", "normalizer": "NormalizerAuto"}),
    ("column_create", {"table": "Words", "name": "notes", "flags": "COLUMN_INDEX|WITH_POSITION", "type": "Notes",
                       "source": "text"}),
)  # fmt: skip


def main() -> None:
    """Do what is not done yet."""
    with services.database() as database:
        database.execute("CREATE TABLE IF NOT EXISTS migrations (step int PRIMARY KEY)")
        row = database.execute("SELECT count(*) FROM migrations").fetchone()
        done = row[0] if row else 0
        for number, step in enumerate(STEPS[done:], done):
            database.execute(step)
            database.execute("INSERT INTO migrations VALUES (%s)", [number])
            print(f"step {number}: {step.split('(')[0].strip()}", flush=True)
        for name, statement in FAULTS.items():
            if seconds := os.environ.get(name):
                database.execute(statement)
                time.sleep(float(seconds))
    there = services.search("table_list")
    if not any("Notes" in row for row in there[1:]):
        for command, arguments in INDEX:
            services.search(command, **arguments)
        print("search index made", flush=True)


if __name__ == "__main__":
    sys.exit(main())
