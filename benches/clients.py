"""The management SDK: the typed Rust client and the Python facade beside Okta's own clients, against a floor.

Reading: every user of an org, three attributes of each as CSV; a contender whose rows differ from the floor's is
reported as wrong. Writing: new users with 1, 8 and 35 requests in flight, each contender in an org of its own.
Importing: a fresh interpreter that imports the client, less one that imports nothing.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

from measure import PEERS, RUNS, USERS, Contender, Run, best_of, run_once, table
from scan import SELECT, rows_of, verdict
from workbench import TARGET, run, sandbox, say, venv

CREATED = 10_000
SIZES = (USERS // 10, USERS, USERS * 3)
IN_FLIGHT = (1, 8, 35)
IMPORTS = 10
NODE = PEERS / "node"


@dataclass
class Programs:
    """What the contenders are run with."""

    folder: Path
    ours: Path
    v2: Path
    v3: Path


def report(folder: Path) -> list[str]:
    """Measure with the programs in ``folder``; give the section of the report."""
    programs = Programs(
        folder,
        venv("bench-oktant", "pyarrow==26.0.1", package=True, profile="release"),
        venv("bench-okta2", "okta==2.9.13"),
        venv("bench-okta3", "okta==3.4.6"),
    )
    node_modules()
    return [*reading(programs), *flatness(programs), *writing(programs), *importing(programs)]


def node_modules() -> None:
    """Install the Node.js client beside copies of the scripts, outside the sources."""
    home = TARGET / "bench-node"
    home.mkdir(parents=True, exist_ok=True)
    for script in NODE.iterdir():
        (home / script.name).write_text(script.read_text())
    if not (home / "node_modules").exists():
        run("npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", cwd=home)


def reading(programs: Programs) -> list[str]:
    say(f"Listing {USERS:,} users through the clients")
    options = ("--users", str(USERS), "--groups", "10", "--seed", "7")
    with sandbox(programs.folder / "oktant", *options) as org:
        who = org["url"], org["api_token"]
        contenders = [
            Contender("floor: reqwest + serde_json, Rust", [programs.folder / "oktant-bench-floor", *who]),
            Contender("oktant, typed, Rust", [programs.folder / "oktant-bench-sdk", *who]),
            Contender("oktant.okta (Python), async", [programs.ours, PEERS / "facade.py", *who]),
            Contender("oktant.okta (Python), sync", [programs.ours, PEERS / "facade_sync.py", *who]),
            Contender("@okta/okta-sdk-nodejs 8.1.0", ["node", TARGET / "bench-node" / "list.mjs", *who]),
            Contender("okta 2.9.13 (Python)", [programs.v2, PEERS / "okta_v2.py", *who], runs=1),
            Contender("okta 3.4.6 (Python)", [programs.v3, PEERS / "okta_v3.py", *who], runs=1),
        ]
        runs = [best_of(contender, org["url"]) for contender in contenders]
    floor, slowest, truth = runs[0], runs[-1], rows_of(runs[0])
    rows = [
        [
            found.name, f"{rows_of(found).total() / found.seconds:,.0f}", f"{found.seconds:.2f}",
            f"{found.seconds / floor.seconds:.2f}", f"{slowest.seconds / found.seconds:.1f}",
            f"{found.memory / 2**20:.0f} MiB", found.problem or verdict(rows_of(found), truth),
        ]
        for found in runs
    ]
    head = ("Contender", "users/s", "seconds", "times the floor", "times as fast as okta 3.4.6", "peak memory", "remark")
    return [
        f"## Listing {len(truth):,} users through the clients", "",
        f"Every contender decodes whole users and writes three attributes as CSV; best of {RUNS} runs, one for Okta's Python clients.",
        "", *table(head, rows), "",
    ]


def flatness(programs: Programs) -> list[str]:
    """Peak memory of a whole list against the size of the org: flat where pages are streamed."""
    say(f"Listing {', '.join(f'{size:,}' for size in SIZES)} users for the memory it takes")
    names = ("`oktant sql`", "oktant, typed, Rust", "oktant.okta (Python), async")
    peaks: dict[str, list[str]] = {name: [] for name in names}
    for size in SIZES:
        with sandbox(programs.folder / "oktant", "--users", str(size), "--groups", "10", "--seed", "7") as org:
            who = org["url"], org["api_token"]
            dsn = f"BaseURL={who[0]};AuthScheme=APIToken;APIToken={who[1]};MaxApiRequests=0"
            commands = (
                [programs.folder / "oktant", "sql", "--dsn", dsn, "--output", "csv", "-c", SELECT],
                [programs.folder / "oktant-bench-sdk", *who],
                [programs.ours, PEERS / "facade.py", *who],
            )
            for name, command in zip(names, commands, strict=True):
                found = run_once(Contender(name, command))
                print(f"    {size:,}: {found}", flush=True)
                peaks[name].append(found.problem or f"{found.memory / 2**20:.0f} MiB")
    head = ("Contender", *(f"{size:,} users" for size in SIZES))
    return [
        "## Memory against the size of the org", "", "Peak memory of listing every user.", "",
        *table(head, [[name, *found] for name, found in peaks.items()]), "",
    ]


def writing(programs: Programs) -> list[str]:
    contenders = {
        "floor: reqwest, Rust": [programs.folder / "oktant-bench-floor"],
        "oktant, typed, Rust": [programs.folder / "oktant-bench-sdk"],
        "oktant.okta (Python), async": [programs.ours, PEERS / "facade_create.py"],
        "@okta/okta-sdk-nodejs 8.1.0": ["node", TARGET / "bench-node" / "create.mjs"],
        "okta 2.9.13 (Python)": [programs.v2, PEERS / "okta_v2_create.py"],
        "okta 3.4.6 (Python)": [programs.v3, PEERS / "okta_v3_create.py"],
    }
    say(f"Creating {CREATED:,} users with {', '.join(map(str, IN_FLIGHT))} requests in flight")
    rows = []
    for name, command in contenders.items():
        runs = [created(programs, Contender(name, command), in_flight) for in_flight in IN_FLIGHT]
        memory = max(found.memory for found in runs)
        problem = next((found.problem for found in runs if found.problem), "")
        rates = [f"{CREATED / found.seconds:,.0f}" for found in runs]
        rows.append([name, *rates, f"{memory / 2**20:.0f} MiB", problem])
    head = ("Contender", *(f"{in_flight} in flight" for in_flight in IN_FLIGHT), "peak memory", "remark")
    return [
        f"## Creating {CREATED:,} users", "",
        "Users per second, each contender in a new org; one run. What the floor does is what the responder allows.",
        "", *table(head, rows), "",
    ]


def created(programs: Programs, contender: Contender, in_flight: int) -> Run:
    with sandbox(programs.folder / "oktant", "--users", "0", "--groups", "0") as org:
        command = [*contender.command, org["url"], org["api_token"], str(CREATED), str(in_flight)]
        found = run_once(Contender(contender.name, command))
    if not found.problem and found.output.strip() != str(CREATED):
        found.problem = f"created {found.output.strip()[:20]}"
    print(f"    {found}", flush=True)
    return found


def importing(programs: Programs) -> list[str]:
    say("Importing the clients")
    contenders = [
        ("oktant.okta", programs.ours, "from oktant.okta.client import Client"),
        ("okta 2.9.13", programs.v2, "from okta.client import Client"),
        ("okta 3.4.6", programs.v3, "from okta.client import Client"),
    ]
    rows, slowest = [], 0.0
    for name, python, statement in reversed(contenders):
        nothing, found = imported(python, "pass"), imported(python, statement)
        seconds = max(found.seconds - nothing.seconds, 0.0001)
        slowest = slowest or seconds
        rows.insert(0, [
            name, f"{seconds * 1000:.1f} ms", f"{slowest / seconds:.0f}", f"{(found.memory - nothing.memory) / 2**20:.1f} MiB",
        ])
    head = ("Client", "import", "times as fast as okta 3.4.6", "memory")
    return [
        "## Importing the Python clients", "",
        f"`from okta.client import Client` in a fresh interpreter, less an interpreter that does nothing; median of {IMPORTS} runs.",
        "", *table(head, rows), "",
    ]


def imported(python: Path, statement: str) -> Run:
    runs = [run_once(Contender(statement, [python, "-c", statement])) for _ in range(IMPORTS + 1)][1:]
    median = statistics.median_low(found.seconds for found in runs)
    return next(found for found in runs if found.seconds == median)
