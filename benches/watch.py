"""Run a command and print, as one JSON line, its seconds, its peak memory in bytes and its exit code.

A process of its own: what a process starts begins with the peak memory of its parent, so the parent has to be small.
Its arguments are the files for standard output and standard error, then the command.
"""

import json
import os
import subprocess
import sys
import time


def main(output: str, errors: str, *command: str) -> None:
    with open(output, "wb") as out, open(errors, "wb") as err:
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    print(json.dumps({"seconds": seconds, "memory": usage.ru_maxrss * 1024, "exit_code": process.returncode}))


if __name__ == "__main__":
    main(*sys.argv[1:])
