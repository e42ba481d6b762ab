"""The log of the clients: one logger, with one handler however many clients there are."""

from __future__ import annotations

import logging

from oktant import _native

LOG_FORMAT = "%(asctime)s - %(name)s - %(module)s - %(levelname)s - %(message)s"
NAME = "okta-sdk-python"


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]
    """Ours, to be told from handlers that a program has added."""


def setup_logging(enabled: bool = False, log_level: int | str = logging.INFO) -> None:
    """Switches the log on; a client without a log leaves it as another one has set it."""
    logger = logging.getLogger(NAME)
    if not enabled:
        return
    level = log_level.upper() if isinstance(log_level, str) and not log_level.isdigit() else int(log_level)
    logger.disabled = False
    logger.setLevel(level)
    if not any(isinstance(handler, _Handler) for handler in logger.handlers):
        handler = _Handler()
        handler.setFormatter(logging.Formatter(LOG_FORMAT))
        logger.addHandler(handler)
    # The repeats, waits and cache of the native client; above 255 there are no events.
    _native.log_to(logger.log, min(logger.level, 255))


logging.getLogger(NAME).disabled = True
