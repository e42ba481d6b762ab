"""What the benchmarks call the same answer."""

from __future__ import annotations

import sys
from collections import Counter

from conftest import ROOT

sys.path[:0] = [str(ROOT / "benches"), str(ROOT / "scripts")]

import measure  # noqa: E402
import scan  # noqa: E402


def read(*lines: str) -> Counter[tuple[str, ...]]:
    return scan.rows_of(measure.Run("one", 1.0, 0, "".join(f"{line}\n" for line in lines)))


def test_doubled_and_missing_rows_are_seen() -> None:
    truth = read("Id,ProfileFirstName,Status", "1,Ada,ACTIVE", "2,Eve,STAGED")
    assert truth.total() == 2 and scan.verdict(truth, truth) == ""
    doubled = read("1,Ada,ACTIVE", "1,Ada,ACTIVE", "2,Eve,STAGED")
    assert scan.verdict(doubled, truth) == "rows differ: 0 missing, 1 doubled or unknown"
    assert scan.verdict(read("2,Eve,STAGED"), truth) == "rows differ: 1 missing, 0 doubled or unknown"
