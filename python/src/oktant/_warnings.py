"""Warnings at the place that can do something about them."""

from __future__ import annotations

import sys
import warnings


def warn(texts: list[str]) -> None:
    """Warns of each text, at the line outside of this package that the call came from."""
    level, frame = 1, sys._getframe()
    while frame.f_globals.get("__name__", "").partition(".")[0] == "oktant" and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    for text in texts:
        warnings.warn(text, UserWarning, stacklevel=level)
