"""An Okta org from Python, called as okta-sdk-python 2.x calls it.

A script for that package runs when its import is changed:

```python
from oktant.okta.client import Client as OktaClient  # was: from okta.client import Client as OktaClient
```

Nothing is loaded before it is used: see :mod:`oktant.okta.client`, :mod:`oktant.okta.models`.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # `typing` takes longer to load than all of this.
if TYPE_CHECKING:
    from typing import Any

    from oktant.okta import cache, errors, exceptions, models
    from oktant.okta.client import Client, SyncClient
    from oktant.okta.http_client import HTTPClient
    from oktant.okta.request_executor import RequestExecutor

__all__ = [
    "Client",
    "HTTPClient",
    "RequestExecutor",
    "SyncClient",
    "cache",
    "errors",
    "exceptions",
    "models",
]

_HOMES = {
    "Client": "client",
    "HTTPClient": "http_client",
    "RequestExecutor": "request_executor",
    "SyncClient": "client",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"oktant.okta.{_HOMES[name]}"), name)
    if name in __all__:
        return importlib.import_module(f"oktant.okta.{name}")
    raise AttributeError(f"module 'oktant.okta' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
