"""`make test-scim`: two SCIM testers that we did not write judge a service of the `rfc` profile."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

from workbench import TARGET, run, say, venv

TESTER = ("scim2-cli==0.6.0", "scim2-tester==0.5.2")
SANITY = "scim-sanity==0.7.4"
VERDICTS = ("SUCCESS", "COMPLIANT", "ACCEPTABLE", "DEVIATION", "ERROR", "CRITICAL", "SKIPPED")


def main() -> None:
    """Run both; against a running service if OKTANT_SCIM_URL and OKTANT_SCIM_TOKEN name one."""
    with service() as (url, token):
        verdicts = [tester(url, token), sanity(url, token)]
    sys.exit(0 if all(verdicts) else 1)


def tester(url: str, token: str) -> bool:
    """scim2-tester: every check a success, none skipped."""
    program = venv("scim2-tester", *TESTER).with_name("scim2")
    say(f"{TESTER[1]} against {url}")
    environment = {**os.environ, "SCIM_CLI_HEADERS": f"Authorization: Bearer {token}"}
    done = subprocess.run([program, "--url", url, "test"], env=environment, text=True, stdout=subprocess.PIPE)
    lines = done.stdout.splitlines()
    counts = Counter(line.split()[0] for line in lines if line.startswith(VERDICTS))
    successes, others = counts.pop("SUCCESS", 0), counts.total()
    if others or not successes:
        print(done.stdout)
    say(f"{successes} of {successes + others} checks are successes")
    return successes > 0 and others == 0


def sanity(url: str, token: str) -> bool:
    """scim-sanity in its strict mode: nothing failed."""
    program = venv("scim-sanity", SANITY).with_name("scim-sanity")
    say(f"{SANITY} against {url}")
    command = [program, "probe", url, "--token", token, "--i-accept-side-effects"]
    return subprocess.run(command).returncode == 0


@contextlib.contextmanager
def service() -> Iterator[tuple[str, str]]:
    """The service named by the environment, or the example that keeps everything in memory."""
    if "OKTANT_SCIM_URL" in os.environ:
        yield os.environ["OKTANT_SCIM_URL"], os.environ["OKTANT_SCIM_TOKEN"]
        return
    run("cargo", "build", "--locked", "--package", "oktant-scim", "--example", "memory")
    process = subprocess.Popen([TARGET / "debug" / "examples" / "memory", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        running = json.loads(process.stdout.readline() if process.stdout else "")
        yield running["url"], running["token"]
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
