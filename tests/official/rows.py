"""What the README of okta-sdk-python 2.x shows, section by section, as scripts that both packages run.

``okta`` itself and ``oktant.okta`` are loaded by the same code: :func:`rowkit.load`. Rows bear the numbers of the
table that they come from. A row that the official package fails says why; it has to fail there, else the row is wrong.
"""

from __future__ import annotations

import rows_client
import rows_objects
from rowkit import KEY, ROWS, Row, World, decoded, load

__all__ = ["KEY", "ROWS", "Row", "World", "decoded", "load", "rows_client", "rows_objects"]
