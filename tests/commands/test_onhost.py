"""How the program that answers gets to a host."""

import subprocess
import sys

from tasks.commands import onhost

PROGRAM = b"import os\nprint(os.read(0, 100).decode(), end='')\n" + b"# more\n" * 10_000


def test_a_program_that_comes_in_pieces_is_run_whole_and_gets_what_comes_behind_it():
    python, *words = onhost.launch(PROGRAM)
    with subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for start in range(0, len(PROGRAM), 32768):
            process.stdin.write(PROGRAM[start : start + 32768])
            process.stdin.flush()
        process.stdin.write(b"a request")
        process.stdin.close()
        assert process.stdout.read() == b"a request"
    assert python == "python3"


def test_a_program_that_breaks_off_is_not_run():
    _, *words = onhost.launch(b"print('ran')")
    done = subprocess.run([sys.executable, *words], input=b"print('ra", capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"its program broke off\n")
