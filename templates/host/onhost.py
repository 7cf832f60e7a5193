"""What depl does on a host. Standard library only, and little of it: each import costs every host milliseconds.

So this takes the halves of `json` and `socket` that are written in C, without those in Python (15 ms of 30).

It is sent over the SSH connection, so it can't be older or newer than its caller, and answers requests until the
connection ends. A request and its answer are a line of JSON each:

    {"until": SECONDS, "commands": [[ARGV, INPUT, TIMEOUT, FORGIVEN], …]}
    {"clock": SECONDS, "results": [[EXIT, OUT, ERR], …]}

Commands run one after the other up to the first that fails and is not forgiven; nothing begins after `until`, by this
host's own clock: who waited gave up then, and a host that wakes up late must not do what was undone elsewhere. An
argv that begins with "onhost" is a function below, anything else a program, which ends with the connection.
"""

import _json
import _socket
import fcntl
import os
import select
import sys
import time

LATE, TIMEOUT = 125, 124
APP = {"home": "", "name": ""}
held = []


class Plain:
    """What a reader of JSON makes of it: nothing but Python's own types."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, float
    memo = {}  # noqa: RUF012 - the reader empties it itself


def decode(text):
    """JSON's value; raises ValueError."""
    text = text.strip()
    try:
        value, end = _json.make_scanner(Plain)(text, 0)
    except (StopIteration, SystemError):  # SystemError: it looks for json's own exception, which is in the other half
        raise ValueError("no JSON") from None
    if end != len(text):
        raise ValueError("more than JSON")
    return value


def encode(value):
    encoder = _json.make_encoder(None, str, _json.encode_basestring_ascii, None, ": ", ", ", False, False, True)
    return "".join(encoder(value, 0))


def clock():
    """Seconds since this host started: nobody sets this clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


# --- requests ---


def serve():
    rest = b""
    while True:
        while b"\n" not in rest:
            more = os.read(0, 65536)
            if not more:
                return
            rest += more
        line, _, rest = rest.partition(b"\n")
        request = decode(line.decode())
        answer = {"results": results(**request), "clock": clock()}
        told = encode(answer).encode() + b"\n"
        while told:
            told = told[os.write(1, told) :]


def results(until, commands):
    done = []
    for argv, text, timeout, forgiven in commands:
        if until is not None and clock() > until:
            return [*done, (LATE, "", f"came {clock() - until:.0f} s too late; it was not begun")]
        done.append(do(argv, text, timeout))
        if done[-1][0] and not forgiven:
            break
    return done


def do(argv, text, timeout):
    try:
        if argv[0] != "onhost":
            return program(argv, text.encode(), timeout)
        return 0, VERBS[argv[1]](*argv[2:], **({"text": text} if text else {})) or "", ""
    except SystemExit as stop:
        return 1, "", str(stop)
    except OSError as failure:
        # A full disk, a missing right: one line says it.
        return 1, "", f"{failure.filename}: {reason(failure)}" if failure.filename else reason(failure)
    except Exception as failure:  # noqa: BLE001 - such as docker's answer in another form: told, and the lock stays
        return 1, "", repr(failure)


def reason(failure):
    """What an OSError says, without the number that Python puts before it."""
    return getattr(failure, "strerror", None) or str(failure)


def hung_up(milliseconds=0):
    """Whether nobody listens to us any more; waits so long for it."""
    poll = select.poll()
    poll.register(0, select.POLLRDHUP)
    return bool(poll.poll(milliseconds))


def program(argv, text, timeout, source=None, sink=None):
    """Run a program to its end. It is ended when its time is up, and when the connection breaks.

    It reads `text` or the file `source`; what it prints is the answer, or goes to the file `sink`.
    """
    import signal
    import subprocess

    with open(os.memfd_create("input"), "w+b") as given:
        given.write(text)
        given.seek(0)
        process = subprocess.Popen(
            argv, stdin=source or given, stdout=sink or subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
    end = time.monotonic() + timeout
    texts = {pipe.fileno(): b"" for pipe in (process.stdout, process.stderr) if pipe}
    poll = select.poll()
    poll.register(0, select.POLLRDHUP)
    for pipe in texts:
        poll.register(pipe, select.POLLIN)
    open_pipes, why = set(texts), ""
    try:
        while open_pipes:
            for ready, _ in poll.poll(max(0, end - time.monotonic()) * 1000):
                if ready == 0:
                    raise ConnectionError("the connection broke")
                if more := os.read(ready, 65536):
                    texts[ready] += more
                else:
                    poll.unregister(ready)
                    open_pipes.remove(ready)
            if open_pipes and time.monotonic() >= end:
                raise TimeoutError
        process.wait(max(0.1, end - time.monotonic()))
    except ConnectionError as broken:
        why = str(broken)
    except (TimeoutError, subprocess.TimeoutExpired):
        why = f"no end after {timeout:.0f} s"
    if why:
        end_group(process, signal.SIGTERM, signal.SIGKILL)
        return TIMEOUT, "", why
    *out, err = (one.decode(errors="replace") for one in texts.values())
    return process.returncode, "".join(out), err


def end_group(process, *signals):
    """End a program and what it started, the second signal two seconds after the first."""
    for number in signals:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        until = time.monotonic() + 2
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        if process.poll() is not None:
            return


# --- files ---


def write(path, mode, text=""):
    """The old content or the new, never half of it. A folder that an app can write to may have a trap as the draft."""
    remove(f"{path}.new")
    draft = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(draft, "w", encoding="utf-8") as out:
        os.fchmod(draft, int(mode, 8))
        out.write(text)
        out.flush()
        os.fsync(draft)
    os.rename(f"{path}.new", path)


def append(path, text=""):
    """Add lines. Half a line that a full disk or a lost power left there stays one of its own."""
    with open(path, "a+b") as out:
        if out.tell():
            out.seek(-1, os.SEEK_END)
            if out.read(1) != b"\n":
                text = f"\n{text}"
        out.write(text.encode())


def folder(*paths):
    for path in paths:
        os.makedirs(path, exist_ok=True)


def save(path, seconds, *argv):
    """Write what a program prints: all of it, or no file."""
    draft = f"{path}.new"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as sink:
        code, _, err = program(argv, b"", float(seconds), sink=sink)
        os.fsync(sink.fileno())
    if code:
        os.remove(draft)
        sys.exit(err.strip() or f"exit status {code}")
    os.rename(draft, path)
    return f"{os.path.getsize(path)} bytes"


def feed(path, seconds, *argv):
    """Run a program that reads a file."""
    with open(path, "rb") as source:
        code, out, err = program(argv, b"", float(seconds), source=source)
    if code:
        sys.exit((err or out).strip() or f"exit status {code}")
    return out


def link(target, path):
    """Lead from a path to a target, whatever link is there."""
    try:
        os.symlink(target, path)
    except FileExistsError:
        os.remove(path)
        os.symlink(target, path)


def remove(*paths):
    for path in paths:
        try:
            os.remove(path)
        except FileNotFoundError:
            continue
        except IsADirectoryError:
            import shutil

            shutil.rmtree(path)


# --- what is on this host ---


def ask(sock, method, path, body="", timeout=5):
    """One HTTP request on a unix socket: its status and body."""
    return hear(say(sock, method, path, body, timeout))


def say(sock, method, path, body="", timeout=5):
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect(sock)
        head = f"{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}"
        connection.sendall(f"{head}\r\n\r\n{body}".encode())
    except OSError:
        connection.close()
        raise
    return connection


def hear(connection):
    answer = b""
    try:
        while more := connection.recv(65536):
            answer += more
    finally:
        connection.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.") or not head[9:12].isdigit():
        raise OSError("what it says is not HTTP")
    return int(head[9:12]), body


def read_json(path):
    """A file's JSON; None where it is missing, half-written or not JSON."""
    try:
        with open(path, encoding="utf-8") as text:
            return decode(text.read())
    except (OSError, ValueError):
        return None


def docker(path):
    try:
        return decode(ask("/run/docker.sock", "GET", path)[1].decode(errors="replace"))
    except (OSError, ValueError) as error:
        sys.exit(f"dockerd does not answer ({reason(error)}); see: systemctl status docker")


def memory(pid):
    """Bytes in use by a process's control group, of either version. Docker's own figure takes a second."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="ascii") as groups:
            paths = dict(line.strip().split(":", 2)[1:] for line in groups)
        if "memory" in paths:
            usage = f"/sys/fs/cgroup/memory{paths['memory']}/memory.usage_in_bytes"
        else:
            usage = f"/sys/fs/cgroup{paths['']}/memory.current"
        with open(usage, encoding="ascii") as number:
            return int(number.read())
    except (OSError, ValueError, KeyError):
        return None


def container(summary, with_memory):
    """What docker's list says; of one that does not run, or whose memory is wanted, what it says of that one."""
    about = {
        "name": (summary["Names"] or [""])[0].lstrip("/"),
        "version": summary["Labels"].get("depl.version"),
        "component": summary["Labels"].get("depl.component"),
        "image": summary["Image"],
        "state": summary["State"],
        "exit": 0,
        "oom": False,
        "memory": None,
    }
    if summary["State"] != "running" or with_memory:
        state = docker(f"/containers/{summary['Id']}/json").get("State")
        if state is None:
            return None  # it went away meanwhile
        used = memory(state["Pid"]) if state["Running"] else None
        about.update(state=state["Status"], exit=state["ExitCode"], oom=state["OOMKilled"], memory=used)
    return about


def containers(with_memory):
    wanted = f"%7B%22label%22%3A%5B%22depl.app%3D{APP['name']}%22%5D%7D"  # {"label":["depl.app=…"]}
    found = [container(one, with_memory) for one in docker(f"/containers/json?all=1&filters={wanted}")]
    return [one for one in found if one]


def programs():
    """supervisord's programs of this app."""
    return {name: state for name, state in watched().items() if is_own(name)}


def is_own(program):
    """Whether a program's name is this app's and a version behind it: others' names may begin with this one."""
    own = f"{APP['name']}-"
    year, dot = program[len(own) :][:4], program[len(own) + 4 :][:1]
    return program.startswith(own) and year.isdigit() and dot == "."


def watched():
    """supervisord's programs and their states. Its answer is plain enough to be read without an XML parser."""
    call = "<methodCall><methodName>supervisor.getAllProcessInfo</methodName><params></params></methodCall>"
    try:
        _, body = ask("/run/supervisor.sock", "POST", "/RPC2", call, timeout=10)
    except OSError as error:
        sys.exit(f"supervisord does not answer ({reason(error)}); see: systemctl status supervisor")
    found = {}
    for one in body.decode(errors="replace").split("<struct>")[1:]:
        texts = {
            member.partition("</name>")[0]: member.partition("<string>")[2].partition("</string>")[0]
            for member in one.split("<name>")[1:]
        }
        if "name" in texts:
            found[texts["name"]] = texts.get("statename", "")
    return found


def health(releases, path):
    """Each release's status of the health page: 0 where nobody listens, None where there is no socket."""
    asked, found = {}, {}
    for one in releases:
        sock = f"{APP['home']}/releases/{one}/run/web.sock"
        try:
            asked[one] = say(sock, "GET", path, timeout=3) if os.path.exists(sock) else None
        except OSError:
            found[one] = 0
    for one, connection in asked.items():
        try:
            found[one] = hear(connection)[0] if connection else None
        except OSError:
            found[one] = 0
    return found


def listing(name):
    try:
        return sorted(os.listdir(f"{APP['home']}/{name}"))
    except FileNotFoundError:
        return []


def leads(path):
    try:
        return os.readlink(f"{APP['home']}/{path}")
    except OSError:
        return None


def routing_table(number):
    """A table's description, and when it was written by this host's own clock: its caller's may be wrong."""
    path = f"{APP['home']}/routes/{number}/table.json"
    found = read_json(path)
    return {**found, "written": os.stat(path).st_mtime} if isinstance(found, dict) else found


def live():
    """The live table: its description, and what its buckets really lead to."""
    target = leads("live")
    if not target:
        return None
    inodes, counts = {}, {}
    try:
        for bucket in os.scandir(f"{APP['home']}/{target}"):
            if len(bucket.name) == 3:
                inode = bucket.inode()  # one link has many names: see table()
                if inode not in inodes:
                    inodes[inode] = os.path.basename(os.readlink(bucket.path))
                counts[inodes[inode]] = counts.get(inodes[inode], 0) + 1
    except OSError:
        return {"link": target, "counts": {}}
    return {"link": target, "counts": counts}


def mark(path):
    """Where a log ends, and the time, by this host's own clock: what `lost` counts from."""
    try:
        about = os.stat(path)
    except FileNotFoundError:
        return encode({"inode": 0, "size": 0, "time": time.time()})
    return encode({"inode": about.st_ino, "size": about.st_size, "time": time.time()})


def lost(path, since, seconds):
    """Of the requests that ended from a mark on until so many seconds from now, those without an answer of the app's.

    nginx answered these itself: with 502, 503 or 504. It writes its log a second late.
    """
    if hung_up(float(seconds) * 1000):
        sys.exit("the connection broke")
    since = decode(since)
    found = {"requests": 0, "lost": 0}
    for one in (f"{path}.1", path):
        try:
            with open(one, "rb") as log:
                inode = os.fstat(log.fileno()).st_ino
                # A log that was rotated meanwhile is behind the new one; what was rotated before has nothing for us.
                if one != path and inode != since["inode"]:
                    continue
                log.seek(since["size"] if inode == since["inode"] else 0)
                for line in log:
                    tally(line, since["time"], found)
        except FileNotFoundError:
            continue
    return encode(found)


def tally(line, began, found):
    """Count a request; a tester's, who asked for a version of their own, is none of the visitors'."""
    try:
        request = decode(line.decode(errors="replace"))
        if request["time"] < began or request["forced"]:
            return
        found["requests"] += 1
        # The time of the app's first header: no number where there was none. Logs of older sites don't tell it.
        unanswered = not any(map(str.isdigit, request.get("answered", "")))
        found["lost"] += request["status"] in (502, 503, 504) and unanswered
    except (ValueError, KeyError, TypeError, AttributeError):
        return  # a torn line


def audit():
    return entries("audit.jsonl")


def entries(name):
    """The last lines of a log, newest last; a torn line is left out."""
    try:
        with open(f"{APP['home']}/{name}", "rb") as log:
            log.seek(max(0, os.path.getsize(log.name) - 16384))
            lines = log.read().decode(errors="replace").splitlines()[-50:]
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            found.append(decode(line))
        except ValueError:
            continue
    return found


def holder():
    """Who holds the lock; None where nobody does."""
    return (read_json(f"{APP['home']}/lock") or {}) if locked(f"{APP['home']}/lock") else None


def locked(path):
    try:
        with open(path, encoding="utf-8") as one:
            fcntl.flock(one, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def jobs():
    """What ran when, of each job, as its runner wrote it down; a run under way holds a lock.

    The app can write there too: what is no small file is not opened.
    """
    found = {}
    for name in listing("jobs"):
        path = f"{APP['home']}/jobs/{name}"
        if name.endswith(".json") and os.path.isfile(path) and os.path.getsize(path) < 65536:
            run = f"{path[:-5]}.run"
            found[name[:-5]] = {"record": read_json(path), "under_way": os.path.isfile(run) and locked(run)}
    return found


def content(path):
    """A file's text; None where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as text:
            return text.read()
    except OSError:
        return None


def free(path):
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize


def certificates():
    """What the bootstrap wrote of each certificate; None where it was one that knew none yet."""
    try:
        folders = os.listdir("/etc/depl/tls")
    except OSError:
        return None
    return {one: read_json(f"/etc/depl/tls/{one}/live/about.json") for one in sorted(folders)}


def facts(home, site, health_path, with_memory="", *names):
    """Read everything in one go: one round trip tells a planner all it must know."""
    about(home)
    releases = [one for one in listing("releases") if "@" in one]
    answers = health(releases, health_path)
    return encode(
        {
            "clock": time.time(),
            "disk_free": min(free("/srv"), free("/var/lib/docker")),
            "site": content(site),
            "live": live(),
            "tables": {n: routing_table(n) for n in listing("routes") if n.isdigit()},
            "releases": {
                one: {"description": read_json(f"{home}/releases/{one}/release.json"), "health": answers[one]}
                for one in releases
            },
            "versions": {one: leads(f"versions/{one}") for one in listing("versions")},
            "slots": {one: leads(f"slots/{one}") for one in listing("slots")},
            "containers": containers(with_memory),
            "programs": programs(),
            "jobs": jobs(),
            "audit": audit(),
            "holder": holder(),
            "certificates": certificates(),
            "migrations": entries("migrations.jsonl"),
            "addresses": {name: place[1][0] for name in names if (place := lookup(name))},
        }
    )


def about(home):
    APP["home"], APP["name"] = home, os.path.basename(home)


# --- services ---


def services(home, asked):
    """What is here of services: their containers, whether they answer, how large they are, their backups."""
    about(home)
    known = watched()
    return encode(
        {
            "clock": time.time(),
            "disk_free": min(free("/srv"), free("/var/lib/docker")),
            "services": {name: service(name, known, **one) for name, one in decode(asked).items()},
            "audit": audit(),
            "holder": holder(),
        }
    )


def service(name, known, health, size):
    container = f"service-{name}"
    about = docker(f"/containers/{container}/json")
    state, config = about.get("State", {}), about.get("Config", {})
    running = state.get("Running", False)
    return {
        "state": state.get("Status"),
        "exit": state.get("ExitCode", 0),
        "oom": state.get("OOMKilled", False),
        "image": config.get("Image"),
        "config": (config.get("Labels") or {}).get("depl.config"),
        "memory": memory(state["Pid"]) if running else None,
        "started": state.get("StartedAt"),
        "former": "State" in docker(f"/containers/{container}.former/json"),
        # One whose file is gone runs until supervisord starts anew, and not after that.
        "program": known.get(container)
        if content(f"{os.path.dirname(APP['home'])}/supervisor/{container}.conf")
        else None,
        "health": inside(container, health)[1] if running else None,
        "bytes": kilobytes(inside(container, size)[0]) * 1024 if running else None,
        "data": os.path.isdir(f"{APP['home']}/{name}/data"),
        "new": os.path.isdir(f"{APP['home']}/{name}/data.new"),
        "apps": read_json(f"{APP['home']}/{name}/apps.json"),
        "restored": read_json(f"{APP['home']}/{name}/restored.json"),
        "backups": {
            one: os.path.getsize(f"{APP['home']}/{name}/backups/{one}")
            for one in listing(f"{name}/backups")
            if not one.endswith(".new")
        },
    }


def inside(container, argv):
    """What a program in a container printed, and why it failed: "" where it did not."""
    code, out, err = program(["docker", "exec", container, *argv], b"", 8)
    return out, ((err or out).strip().splitlines() or [f"exit status {code}"])[-1] if code else ""


def kilobytes(text):
    """What du said."""
    first = text.split()[:1]
    return int(first[0]) if first and first[0].isdigit() else 0


def until(name, seconds, *argv):
    """Repeat a program until it succeeds; a container that died is not waited for."""
    began = time.monotonic()
    while True:
        code, out, err = program(argv, b"", 10)
        spent = time.monotonic() - began
        if not code:
            return
        alive(name, spent)
        if spent > float(seconds):
            sys.exit(f"not after {spent:.0f} s: {((err or out).strip().splitlines() or ['exit status'])[-1]}")
        if hung_up(200):
            sys.exit("the connection broke")


# --- branches ---


def branches(root):
    """What is here of branches: what each is, what of it is up or asleep, its containers, its last visitor."""
    about(root)
    folders = [one for one in listing("") if "--" in one and os.path.isdir(f"{root}/{one}")]
    there = docker("/containers/json?all=1&filters=%7B%22label%22%3A%5B%22depl.app%22%5D%7D")  # those of apps
    seen = read_json(f"{root}/branches/seen.json") or {}
    return encode(
        {
            "clock": time.time(),
            "disk_free": min(free("/srv"), free("/var/lib/docker")),
            "memory_free": memory_free(),
            "branches": {one: branch(one, there, seen) for one in folders},
        }
    )


def branch(folder, there, seen):
    live = os.path.basename(leads(f"{folder}/live/000") or "")
    live = live if "@" in live else None
    own = [container(one, True) for one in there if one["Labels"].get("depl.app") == folder]
    return {
        "about": read_json(f"{APP['home']}/{folder}/branch.json"),
        "live": live,
        "asleep": read_json(f"{APP['home']}/{folder}/releases/{live}/asleep.json") if live else None,
        "containers": [one for one in own if one],
        "seen": seen.get(folder),
    }


def memory_free():
    """Bytes that programs could have without anything being moved out of memory."""
    with open("/proc/meminfo", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


# --- what a balancer knows ---


def balance(home, site, question):
    """What a balancer does with an app, and what it gets from the app's hosts."""
    about(home)
    asked = decode(question)
    places = {name: lookup(address) for name, address in asked["hosts"].items()}
    table = live()
    return encode(
        {
            "site": content(site),
            "live": table,
            "table": read_json(f"{home}/{table['link']}/table.json") if table else None,
            "tables": [int(one) for one in listing("routes") if one.isdigit()],
            "addresses": {name: place and place[1][0] for name, place in places.items()},
            "answers": pages(places, asked["name"], asked["path"]),
            "certificates": certificates(),
            "audit": audit(),
        }
    )


def lookup(name):
    """The family and the socket address of a host's port 80; None where its name can't be looked up."""
    try:
        family, *_, place = _socket.getaddrinfo(name, 80, 0, _socket.SOCK_STREAM)[0]
    except OSError:
        return None
    return family, place


def pages(places, host, path, seconds=3):
    """Each app host's status of a page, asked side by side through its nginx; 0 where there is no answer in time."""
    end = time.monotonic() + seconds
    asked, found = {}, dict.fromkeys(places, 0)
    for name, place in places.items():
        if place:
            asked[name] = _socket.socket(place[0], _socket.SOCK_STREAM)
            asked[name].setblocking(False)
            asked[name].connect_ex(place[1])
    request = f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode()
    for connection in asked.values():
        connected = select.poll()
        connected.register(connection.fileno(), select.POLLOUT)
        connected.poll(max(0, end - time.monotonic()) * 1000)
        connection.settimeout(max(0.1, end - time.monotonic()))
        try:
            connection.sendall(request)
        except OSError:
            continue  # hear() will say so
    for name, connection in asked.items():
        connection.settimeout(max(0.1, end - time.monotonic()))
        try:
            found[name] = hear(connection)[0]
        except OSError:
            continue
    return found


def settle(address, seconds):
    """Wait for the end of requests to an app host; a connection to its port 80 is one. How many are left in the end."""
    end = time.monotonic() + float(seconds)
    words = ["ss", "--no-header", "--numeric", "--tcp", "state", "established", "dst", address, "dport", "=", ":80"]
    while True:
        code, out, err = program(words, b"", 10)
        if code:
            sys.exit(err.strip() or "ss failed")
        left = len(out.splitlines())
        if not left or time.monotonic() >= end:
            return str(left)
        if hung_up(100):
            sys.exit("the connection broke")


# --- what changes this host ---


def lock(home, who):
    """Take the app's lock, for as long as this process lives; or fail and say who has it.

    It is ours too where an earlier process of the same caller has it, whose connection broke unnoticed.
    """
    os.makedirs(home, exist_ok=True)
    taken = open(f"{home}/lock", "a+", encoding="utf-8")  # noqa: SIM115 - held until this process ends
    try:
        fcntl.flock(taken, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with taken:
            has_it = read_json(taken.name) or {}
        if has_it == decode(who):
            return
        sys.exit(encode({"holder": has_it}))
    held.append(taken)
    try:
        taken.truncate(0)
        taken.write(who)
        taken.flush()
    except OSError:
        pass  # a full disk doesn't keep anybody from making room: the lock is held all the same
    label(home)


def table(home, number, text):
    """Write a table whole or not at all: it is built under another name and renamed.

    The description's `runs` says which folder serves how many buckets, in the order of buckets:
    [["releases/2026.11.22.12.05@3", 950], …]. Buckets that lead to the same folder are names of one link: they take
    no inodes, and are counted without being read.
    """
    description = decode(text)
    final = f"{home}/routes/{number}"
    draft = f"{final}.new"
    remove(draft)
    os.makedirs(draft)
    at = os.open(draft, os.O_RDONLY | os.O_DIRECTORY)
    try:
        first = {}
        targets = (target for target, count in description["runs"] for _ in range(count))
        for bucket, target in enumerate(targets):
            name = f"{bucket:03d}"
            if first.setdefault(target, name) == name:
                os.symlink(f"../../{target}", name, dir_fd=at)
            else:
                os.link(first[target], name, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)
    finally:
        os.close(at)
    with open(f"{draft}/table.json", "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.rename(draft, final)
    link(f"routes/{number}", f"{home}/live.new")


def flip(new, live):
    """Make another table live: this rename is all that visitors and callers go by."""
    os.rename(new, live)
    label(os.path.dirname(live))


def label(home):
    """Tell the processes of each version which arm it is, for their reports: a file each. Nothing is routed by it.

    What goes wrong here fails nothing, and nobody waits for a disk: whoever takes the lock next comes by again.
    """
    try:
        folder, table = f"{home}/arms", read_json(f"{home}/live/table.json") or {}
        former = os.listdir(folder)
        told = {arm: os.path.basename(table.get(arm) or "").partition("@")[0] for arm in ("control", "canary", "live")}
        arms = {version: arm for arm, version in told.items() if version}
        for one in former:
            if one not in arms:
                os.remove(f"{folder}/{one}")
        for version, arm in arms.items():
            if content(f"{folder}/{version}") != arm:
                with open(f"{folder}/.new", "w", encoding="utf-8") as out:
                    os.fchmod(out.fileno(), 0o644)
                    out.write(arm)
                os.rename(out.name, f"{folder}/{version}")
    except Exception:  # noqa: BLE001, S110 - such as a torn table; a host where no process asks has no such folder
        pass


def start(name):
    """Have supervisord run the program whose file was just written. supervisorctl takes half a second for it."""
    import xmlrpc.client

    def supervisor(method, *words):
        call = xmlrpc.client.dumps(words, f"supervisor.{method}")
        try:
            _, body = ask("/run/supervisor.sock", "POST", "/RPC2", call, timeout=30)
        except OSError as error:
            sys.exit(f"supervisord does not answer ({reason(error)}); see: systemctl status supervisor")
        (answer,), _ = xmlrpc.client.loads(body)
        return answer

    try:
        ((_, changed, _),) = supervisor("reloadConfig")
        if name in changed:
            supervisor("stopProcessGroup", name)
            supervisor("removeProcessGroup", name)
        supervisor("addProcessGroup", name)
    except xmlrpc.client.Fault as fault:
        if not fault.faultString.startswith("ALREADY_ADDED"):
            sys.exit(f"supervisord: {fault.faultString}")


def workers():
    """nginx's workers that take connections; the title of one that only finishes its own says so.

    A container may have an nginx too: another one's workers have another parent.
    """
    found, own = set(), (content("/run/nginx.pid") or "").strip()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as title:
                if title.read().rstrip(b"\0 ") == b"nginx: worker process" and parent(pid) == own:
                    found.add(pid)
        except OSError:
            continue  # it ended meanwhile
    return found


def parent(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        return stat.read().rpartition(")")[2].split()[1]


def reload(*argv):
    """Have nginx load its sites, by that program; returns when no worker with the former ones takes visitors."""
    former = workers()
    code, out, err = program(argv, b"", 60)
    if code:
        sys.exit((err or out).strip() or f"{argv[-1]} can't be reloaded")
    end = time.monotonic() + 15
    while former & workers():
        if time.monotonic() >= end:
            sys.exit("nginx goes on with its former sites; see: sudo journalctl --unit nginx")
        if hung_up(20):
            sys.exit("the connection broke")


def alive(name, spent):
    """A container's state, as docker has it; fails with the reason where it ended since it was started."""
    state = docker(f"/containers/{name}/json").get("State")
    if state is None:
        sys.exit(f"there is no container {name}")
    if state["Error"]:
        sys.exit(f"can't be started: {state['Error']}")
    why = ", out of memory" if state["OOMKilled"] else ""
    if state["Status"] == "exited":
        sys.exit(f"exited {state['ExitCode']} after {spent:.1f} s{why}")
    if not state["FinishedAt"].startswith("0001-"):
        sys.exit(f"exited and was started again within {spent:.1f} s{why}")
    return state


def steady(name, seconds):
    """Wait until a container has run for so long without an end, or fail with the reason."""
    began = time.monotonic()
    while True:
        spent = time.monotonic() - began
        state = alive(name, spent)
        if state["Running"] and age(state["Pid"]) >= float(seconds):
            return
        if not state["Running"] and spent > 20:
            sys.exit(f"not started after {spent:.0f} s; see: sudo supervisorctl status {name}")
        if hung_up(50):
            sys.exit("the connection broke")


def age(pid):
    """Seconds since a process was started: by then those that were started with it have run as long."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            started = int(stat.read().rpartition(")")[2].split()[19])
    except OSError:
        return 0  # it ended meanwhile
    return clock() - started / os.sysconf("SC_CLK_TCK")


def finish(name, seconds):
    """Start a container, unless it runs or ran already, and wait for its end, which is to be 0."""
    began = time.monotonic()
    state = docker(f"/containers/{name}/json").get("State")
    if state and state["Status"] == "created":
        status, said = ask("/run/docker.sock", "POST", f"/containers/{name}/start", timeout=60)
        if status >= 400:
            sys.exit(f"can't be started: {said.decode(errors='replace').strip()}")
    while True:
        state = docker(f"/containers/{name}/json").get("State")
        spent = time.monotonic() - began
        if state is None:
            sys.exit(f"there is no container {name}")
        if not state["Running"]:
            break
        if spent > float(seconds):
            sys.exit(f"not done after {spent:.0f} s, and ended")
        if hung_up(100):
            sys.exit("the connection broke")
    if state["ExitCode"]:
        why = ", out of memory" if state["OOMKilled"] else ""
        sys.exit(f"exited {state['ExitCode']} after {spent:.1f} s{why}")
    return f"{spent:.1f} s"


def wait(name, sock, path, seconds):
    """Print the answer when it is 200, or fail with the reason: a container that died is not waited for."""
    began = time.monotonic()
    last = "no answer"
    while (spent := time.monotonic() - began) < float(seconds):
        try:
            status, _ = ask(sock, "GET", path)
            if status == 200:
                return f"GET {path} 200"
            last = f"GET {path} answered {status}"
        except OSError as error:
            last = f"GET {path}: {reason(error)}"
        alive(name, spent)
        if hung_up(50):
            sys.exit("the connection broke")
    sys.exit(f"not healthy after {seconds} s: {last}")


def page(sock, path):
    """Ask for a page, as a visitor would."""
    status, _ = ask(sock, "GET", path, timeout=10)
    if status >= 400:
        sys.exit(f"GET {path} answered {status}")


VERBS = {
    "append": append, "balance": balance, "branches": branches, "facts": facts, "feed": feed, "finish": finish,
    "flip": flip, "folder": folder, "link": link, "lock": lock, "lost": lost, "mark": mark, "page": page,
    "reload": reload, "remove": remove, "rename": os.rename, "save": save, "services": services, "settle": settle,
    "start": start, "steady": steady, "table": table, "until": until, "wait": wait, "write": write,
}  # fmt: skip
serve()
