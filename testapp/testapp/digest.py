"""A cron job: writes down how many notes there are."""

import os
import sys

from . import services


def main() -> None:
    """Write one line to the database, and one to the log."""
    if os.environ.get("TESTAPP_DIGEST_FAIL") == "1":
        sys.exit("the digest failed on demand")
    with services.database() as database:
        row = database.execute("INSERT INTO digests (notes) SELECT count(*) FROM notes RETURNING notes").fetchone()
    assert row is not None
    print(f"{row[0]} notes", flush=True)


if __name__ == "__main__":
    main()
