"""SQLAlchemy dialect ``okta`` for SQLAlchemy 1.4, 2.0 and 2.1.

Use it through ``create_engine("okta:///?Domain=acme.okta.com&InitiateOAuth=GETANDREFRESH")``.
"""

from oktant.sqlalchemy.dialect import OktaDialect

__all__ = ["OktaDialect"]
