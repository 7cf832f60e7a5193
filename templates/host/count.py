"""Count what is new in an app's log since the last look, and print everything that was counted so far.

Standard library and DuckDB. It is sent over the SSH connection, as onhost.py is; its question is a line of JSON on
standard input, and SQL comes with it (see tasks/stats/queries.py). What it knows lies in a folder: `state.json` with
how far each file was read, and the tables that it names. That file is written last, by a rename: whoever is killed
has counted nothing, and whoever comes second waits.
"""

import base64
import fcntl
import glob
import gzip
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

CHUNK = 64 << 20
LINES = 1 << 19
HEAD = 4096
MEMORY = "256MB"
THREADS = 4
LATE = 60
"""Seconds that a line may take to come to its log."""
LATELY = 7 * 86400
"""Seconds for which nothing is forgotten that was looked at."""


# --- lines ---


def name_of(file):
    """What a log is called however it is renamed: its inode, which a later one may have, and its first line."""
    about = os.fstat(file.fileno())
    line, end, _ = os.pread(file.fileno(), HEAD, 0).partition(b"\n")
    if not (end or len(line) == HEAD):
        return None  # not even one line yet
    return f"{about.st_dev}:{about.st_ino}:{hashlib.sha256(line).hexdigest()[:16]}"


def logs(pattern):
    """The logs by their names, all opened before the first is read.

    A rotation meanwhile gives a log another path: one that is met again is the same, and one that went to a path
    that was not listed is found by listing until there is none that is new.
    """
    found, more = {}, True
    while more:
        more = False
        for path in sorted(glob.glob(pattern)):
            try:
                file = open(path, "rb", buffering=0)  # noqa: SIM115
            except FileNotFoundError:
                continue  # the oldest log goes when another one comes
            name = name_of(file)
            if name is None or name in found:
                file.close()
            else:
                found[name], more = file, True
    return found


def given(paths):
    """Files that were asked for, one after the other: there may be more than can be open at once."""
    for path in paths:
        file = gzip.open(path) if path.endswith(".gz") else open(path, "rb", buffering=0)  # noqa: SIM115
        about = os.fstat(file.fileno())
        yield f"{about.st_dev}:{about.st_ino}", file


def lost(files, state, since):
    """From when on there are lines, where earlier ones went with their logs before they were counted; else 0."""
    if len(files) < 2 or files.keys() & state["read"].keys():
        return 0  # no log is gone, or none that had something new: the oldest goes first
    oldest = min(map(first_time, files.values()))
    return oldest if oldest > max(since, state["until"]) else 0


def first_time(file):
    found = re.search(rb'"time":(\d+(\.\d+)?)', os.pread(file.fileno(), 16 * HEAD, 0))
    return float(found[1]) if found else 0


def opened(files, since, offsets, read):
    """The files that have something new, each with its name, at the place where that begins; `read` tells the place."""
    for name, file in files:
        with file:
            about = os.fstat(file.fileno())
            if name in read or about.st_mtime < since:
                continue
            read[name] = offsets.get(name, 0)
            if about.st_size > read[name]:
                file.seek(read[name])
                yield name, file


def chunks(file, buffer, whole):
    """Complete lines: as often as there are some, how many bytes at the buffer's beginning.

    The last line of a log may still be written; a `whole` file's last line needs no end.
    """
    kept = 0
    while True:
        got = file.readinto(memoryview(buffer)[kept:])
        filled = kept + (got or 0)
        end = buffer.rfind(b"\n", 0, filled) + 1
        if (not end and filled == len(buffer)) or (not got and whole):
            end = filled  # a line that fills the buffer is none that nginx wrote
        end = few_enough(buffer, end)
        if end:
            yield end
        kept = filled - end
        buffer[:kept] = buffer[end:filled]
        if not got and not end:
            return


def few_enough(buffer, end):
    """Where lines end that are not too many: rubbish may be a million lines of a byte or two, and each takes memory."""
    while buffer.count(b"\n", 0, end) > LINES:
        end = buffer.rfind(b"\n", 0, end // 2) + 1 or buffer.find(b"\n") + 1
    return end


def readable(buffer, size, longest):
    """The lines at a buffer's beginning, as DuckDB can take them: in UTF-8, and none so long that it ends the query."""
    lines = buffer
    if not buffer.isascii():
        lines = buffer[:size].decode(errors="replace").encode()
        size = len(lines)
    begin, view = 0, memoryview(lines)
    while begin < size:
        end = lines.rfind(b"\n", begin, min(begin + longest, size)) + 1
        if not end and size - begin > longest:
            end = lines.find(b"\n", begin, size) + 1 or size
            yield b"a line that is too long\n"
        else:
            end = end or size
            yield view[begin:end]
        begin = end


class Source:
    """What is new, chunk by chunk, as files that are in memory only; one is filled while the other is counted."""

    def __init__(self, question, state):
        self.question, self.state = question, state
        self.buffer = bytearray(CHUNK)
        self.files = [os.memfd_create("lines") for _ in range(2)]
        self.read = {}
        """How far each file was read that is still there."""
        self.lost_before = 0

    def __iter__(self):
        filled = self.filled()
        with ThreadPoolExecutor(1) as reader:
            following = reader.submit(next, filled, None)
            while path := following.result():
                following = reader.submit(next, filled, None)
                yield path

    def filled(self):
        turn, whole, since = 0, "files" in self.question, self.question.get("since", 0)
        if whole:
            files = given(self.question["files"])
        else:
            found = logs(self.question["log"])
            self.lost_before, files = lost(found, self.state, since), found.items()
        for name, file in opened(files, since, self.state["read"], self.read):
            for size in chunks(file, self.buffer, whole):
                yield self.put(self.files[turn], size)
                self.read[name] += size
                turn = 1 - turn

    def put(self, file, size):
        at = 0
        for part in readable(self.buffer, size, self.question["longest"]):
            at += os.pwrite(file, part, at)
        os.ftruncate(file, at)
        return f"/proc/self/fd/{file}"


# --- tables ---


class Tables:
    """What was counted, in DuckDB: what is new comes to what there was."""

    def __init__(self, question, state):
        import duckdb

        self.sql, self.state, self.most = question["sql"], dict(state), question["most_users"]
        self.tables = self.sql["tables"]
        """What each is made of, and how several of its rows become one."""
        settings = {
            "threads": min(THREADS, os.cpu_count() or 1),
            "memory_limit": MEMORY,
            "temp_directory": "",
            "preserve_insertion_order": False,
            "enable_external_file_cache": False,  # the same name has other lines at each chunk
            "autoinstall_known_extensions": False,
        }
        self.engine = duckdb.connect(":memory:", config=settings)
        for table, path in state["tables"].items():
            self.engine.execute(f"CREATE TABLE {table} AS SELECT * FROM read_parquet(?)", [path])
        self.there = bool(state["tables"])

    def add(self, path):
        """Count the lines of a file."""
        run = self.engine.execute
        run(f"CREATE OR REPLACE VIEW lines AS SELECT * FROM {self.sql['lines'].replace('{chunk}', path)}")
        run(f"CREATE OR REPLACE TABLE events AS {self.sql['events']}")
        for table, (counted, _) in self.tables.items():
            run(f"{f'INSERT INTO {table}' if self.there else f'CREATE TABLE {table} AS'} {counted}")
        self.there = True
        unreadable, foreign = run(self.sql["trouble"]).fetchone()
        self.state["unreadable"] += unreadable
        self.state["foreign"] += foreign
        if self.users() > 4 * self.most:
            self.merge()

    def users(self):
        return self.engine.execute("SELECT count(*) FROM users").fetchone()[0] if "users" in self.tables else 0

    def merge(self):
        """Make one row of several, and keep a smaller share of the users where there are too many of them."""
        for table, (_, merged) in self.tables.items():
            self.engine.execute(f"CREATE OR REPLACE TABLE {table} AS {merged}")
        self.choose()
        while self.users() > self.most:
            self.state["halved"] += 1
            self.choose()

    def choose(self):
        if self.state["halved"]:
            self.engine.execute(f"DELETE FROM users WHERE visitor >= {1 << (64 - self.state['halved'])}")

    def write(self, folder):
        """Write the tables to a folder; returns their paths."""
        self.merge()
        paths = {table: f"{folder}/{table}.{os.getpid()}.{time.time_ns()}" for table in self.tables}
        for table, path in paths.items():
            self.engine.execute(f"COPY {table} TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
        return paths


# --- what is known already ---

NOTHING = {"read": {}, "tables": {}, "until": 0, "lost_before": 0, "unreadable": 0, "foreign": 0, "halved": 0}


def remembered(folder):
    """What the last look wrote down; nothing where there was none, or where it is not whole."""
    try:
        with open(f"{folder}/state.json", encoding="utf-8") as text:
            state = json.load(text)
        return {**NOTHING, **state} if all(map(os.path.getsize, state["tables"].values())) else NOTHING
    except (OSError, ValueError, KeyError):
        return NOTHING


def remember(folder, state):
    """From now on this is known, or what was before: never half of it."""
    for path in state["tables"].values():
        with open(path, "rb") as written:
            os.fsync(written.fileno())
    with open(f"{folder}/state.json.new", "w", encoding="utf-8") as text:
        json.dump(state, text)
        text.flush()
        os.fsync(text.fileno())
    os.rename(f"{folder}/state.json.new", f"{folder}/state.json")
    kept = {"lock", "state.json", *map(os.path.basename, state["tables"].values())}
    for name in set(os.listdir(folder)) - kept:
        os.remove(f"{folder}/{name}")


def forget(folder, keep):
    """Remove what was counted of former rollouts, but that of the newest and what was looked at lately."""
    home = os.path.dirname(folder)
    others = [f"{home}/{name}" for name in os.listdir(home) if f"{home}/{name}" != folder]
    for other in sorted(others, key=os.path.getmtime, reverse=True)[keep:]:
        if os.path.getmtime(other) < time.time() - LATELY:
            shutil.rmtree(other, ignore_errors=True)


# --- a look ---


def looked(question, folder, state):
    """Count what is new; returns the state after it."""
    ended = question.get("ended")
    if ended is not None and state["until"] > ended + LATE:
        return state  # nothing that comes now is of this rollout
    until, source, tables = time.time(), Source(question, state), None
    for path in source:
        tables = tables or Tables(question, state)
        tables.add(path)
    if not tables:
        return state
    written = tables.write(folder)
    lost_before = max(state["lost_before"], source.lost_before)
    return {**tables.state, "tables": written, "read": source.read, "until": until, "lost_before": lost_before}


def answer(question):
    until, folder = time.time(), question.get("folder")
    if folder:
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.utime(folder)  # looked at, also where nothing is new
            before = remembered(folder)
            state = looked(question, folder, before)
            if state is not before:
                remember(folder, state)
                forget(folder, question["keep"])
            return {"until": until, **told(state)}
    with tempfile.TemporaryDirectory() as folder:
        return {"until": until, **told(looked(question, folder, NOTHING))}


def told(state):
    """What was counted as it travels."""
    tables = {}
    for table, path in state["tables"].items():
        with open(path, "rb") as content:
            tables[table] = base64.b64encode(content.read()).decode()
    return {**{key: state[key] for key in ("unreadable", "foreign", "halved", "lost_before")}, **tables}


if __name__ == "__main__":
    question = json.load(sys.stdin)
    sys.path.insert(0, question["engine"])
    try:
        print(json.dumps(answer(question)))
    except ModuleNotFoundError:
        sys.exit(f"DuckDB is missing: {question['engine']}; put it there: inv bootstrap --only appserver")
    except Exception as error:  # noqa: BLE001 - a full disk, a log that is cut off, DuckDB's own: told in a line
        about = getattr(error, "filename", None)
        sys.exit(f"{about}: {error.strerror}" if about else (str(error).splitlines() or [repr(error)])[0])
