"""The configuration of a client: what the native module read, and the objects that only Python can hold."""

from __future__ import annotations

import json
import logging
import os
import ssl
import warnings
from collections.abc import Mapping
from typing import Any

from oktant import _native
from oktant.errors import Error as NativeError
from oktant.okta.errors import ConfigurationError
from oktant.okta.request_executor import RequestExecutor

__all__ = ["Configuration"]

_OBJECTS = ("requestExecutor", "httpClient", "cacheManager", "sslContext")
_DEFAULTS: dict[str, Any] = {
    "authorizationMode": "SSWS",
    "cache": {"enabled": False, "defaultTtl": 300, "defaultTti": 300},
    "connectionTimeout": 30,
    "logging": {"enabled": False, "logLevel": logging.INFO},
    "raiseException": False,
    "rateLimit": {"maxRetries": 4},
    "requestTimeout": 0,
}
_NUMBERS = frozenset(
    {
        "connectionTimeout",
        "defaultTti",
        "defaultTtl",
        "dpopKeyRotationInterval",
        "maxBackoff",
        "maxRetries",
        "oauthTokenRenewalOffset",
        "port",
        "requestTimeout",
    }
)


class Configuration:
    """Reads a configuration and opens the org that it names.

    Args:
        given: Values of the constructor of a client.

    Raises:
        ConfigurationError: If it is wrong, with all problems.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.executor_class = given.get("requestExecutor") or RequestExecutor
        self.http_client_class = given.get("httpClient")
        self.cache_manager = given.get("cacheManager")
        values = {name: _as_json(value) for name, value in given.items() if name not in _OBJECTS}
        context = given.get("sslContext")
        if context is not None:
            values["tls"] = {**_trust(context), **values.get("tls", {})}
        try:
            self.org = _native.Org.open(json.dumps(values), self.cache_manager is None)
        except NativeError as error:
            raise ConfigurationError(error.message, code=error.code, hint=error.hint, causes=error.causes) from None
        for warning in self.org.warnings:
            # That logger is silent unless asked for, and a misspelt key would be, too.
            warnings.warn(str(warning), UserWarning, stacklevel=3)
            logging.getLogger("okta-sdk-python").warning("%s", warning)
        self.effective = self._effective(given)

    @property
    def logging(self) -> dict[str, Any]:
        """Arguments of ``setup_logging``."""
        settings = self.effective["client"]["logging"]
        return {"enabled": settings["enabled"] is True, "log_level": settings["logLevel"]}

    def _effective(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Defaults, what files and variables say, and the given values, which alone hold secrets."""
        effective: dict[str, Any] = {"client": json.loads(json.dumps(_DEFAULTS)), "testing": {}}
        for key, text in self.org.settings.items():
            *path, name = key.removeprefix("okta.").split(".")
            section = effective
            for part in path:
                section = section.setdefault(part, {})
            section[name] = _typed(name, text)
        _merge(effective["client"], given)
        effective["client"]["orgUrl"] = self.org.url
        return effective


def _typed(name: str, text: str) -> Any:
    """The text of a setting as its value."""
    if name in _NUMBERS:
        return int(text)
    if name == "scopes":
        return text.split()
    return {"true": True, "false": False}.get(text, text)


def _merge(into: dict[str, Any], given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if isinstance(value, Mapping) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def _as_json(value: Any) -> Any:
    """A given value as the native module takes it."""
    if isinstance(value, Mapping):
        return {name: _as_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_as_json(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return value.decode()
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _trust(context: Any) -> dict[str, Any]:
    """The authorities that a TLS context trusts. Its client certificates and ciphers cannot be read out of it."""
    if not isinstance(context, ssl.SSLContext):
        raise ConfigurationError(
            f"sslContext is a {type(context).__name__}, not an ssl.SSLContext",
            code="OKT4001",
            hint="pass an ssl.SSLContext, or name files in tls.caFile, tls.clientCert and tls.clientKey",
        )
    if context.verify_mode == ssl.CERT_NONE:
        return {"dangerAcceptInvalidCerts": True}
    authorities = context.get_ca_certs(binary_form=True)
    pem = "".join(ssl.DER_cert_to_PEM_cert(certificate) for certificate in authorities)
    return {"caPem": pem} if pem else {}
