"""`make bench`: Oktant and its peers over the same sandbox org, one after the other, in one run.

Measured from outside: wall time, peak memory of the process, requests by the sandbox's ledger.

With the argument `scim` only what concerns SCIM is measured and written anew, with `flows` only what concerns flows.

Environment: OKTANT_BENCH_USERS (default 100000), OKTANT_BENCH_RUNS (default 3; the best run counts).
"""

from __future__ import annotations

import os
import platform
import sys

import measure  # noqa: F401  (puts scripts/ on the path)
import clients
import flows
import scan
import scim
from workbench import ROOT, build, say


def main() -> None:
    say("Building with optimisation (the first time takes a while)")
    target = ROOT / "docs" / "benchmarks.md"
    if sys.argv[1:] in (["scim"], ["flows"]):
        folder = build("oktant-cli", "oktant-bench-scim", profile="release")
        before, _, rest = target.read_text().partition("\n## SCIM")
        measured, _, last = rest.partition("\n## Flows")
        if sys.argv[1:] == ["scim"]:
            parts = [before, *scim.report(folder), *(["## Flows" + last] if last else [])]
        else:
            parts = [before, "## SCIM" + measured, *flows.report(folder)]
        target.write_text("\n".join(parts))
        return
    folder = build("oktant-cli", "oktant-bench-floor", "oktant-bench-scim", "oktant-bench-sdk", profile="release")
    lines = [
        "# Benchmarks", "",
        "Printed by `make bench`; every row of a table comes from one run on one machine, so the ratios mean more than the figures.",
        "", f"Machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}; "
        "contender and sandbox share the cores.", "",
        *scan.report(folder),
        *clients.report(folder),
        *scan.paced_section(folder / "oktant"),
        *scim.report(folder),
        *flows.report(folder),
    ]
    target.write_text("\n".join(lines))
    say(f"Wrote {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
