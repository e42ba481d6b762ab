"""Clients for which the names of methods mean what okta-sdk-python 3.x means by them.

Both generations have ``update_user``, ``update_sms_template``, ``update_inline_hook``, ``get_role`` and
``forgot_password_set_new_password``. In 2.x the first three replace an object (``PUT``) and ``get_role`` reads a role
of a group; in 3.x they change the members that are given (``POST``) and read a custom role. All else is the same.
"""

from __future__ import annotations

from oktant.okta import _methods, client

__all__ = ["Client", "SyncClient"]


class Client(client.Client, _methods.ThirdMethods):  # type: ignore[misc, unused-ignore]
    """As :class:`oktant.okta.Client`, with the meanings of 3.x."""


class SyncClient(client.SyncClient, _methods.SyncThirdMethods):  # type: ignore[misc, unused-ignore]
    """As :class:`oktant.okta.SyncClient`, with the meanings of 3.x."""
