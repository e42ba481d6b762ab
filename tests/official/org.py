"""What both clients send, as JSON."""

from __future__ import annotations

from typing import Any


def sign_on_rule(name: str) -> dict[str, Any]:
    """A rule that lets people in for half a day of idleness."""
    session = {"usePersistentCookie": False, "maxSessionIdleMinutes": 720, "maxSessionLifetimeMinutes": 0}
    signon = {"access": "ALLOW", "requireFactor": False, "rememberDeviceByDefault": False, "session": session}
    return {"name": name, "actions": {"signon": signon}}


def oidc_provider(name: str) -> dict[str, Any]:
    """A generic OpenID Connect provider."""
    endpoint = {"binding": "HTTP-REDIRECT"}
    return {
        "type": "OIDC",
        "name": name,
        "protocol": {
            "type": "OIDC",
            "scopes": ["openid", "profile", "email"],
            "issuer": {"url": "https://idp.example.com"},
            "endpoints": {
                "authorization": {**endpoint, "url": "https://idp.example.com/authorize"},
                "token": {"binding": "HTTP-POST", "url": "https://idp.example.com/token"},
                "userInfo": {**endpoint, "url": "https://idp.example.com/userinfo"},
                "jwks": {**endpoint, "url": "https://idp.example.com/keys"},
            },
            "credentials": {"client": {"client_id": "your-client-id", "client_secret": "your-client-secret"}},
        },
        "policy": {
            "accountLink": {"action": "AUTO", "filter": None},
            "provisioning": {
                "action": "AUTO",
                "conditions": {"deprovisioned": {"action": "NONE"}, "suspended": {"action": "NONE"}},
                "groups": {"action": "NONE"},
            },
            "maxClockSkew": 0,
            "subject": {
                "userNameTemplate": {"template": "idpuser.email"},
                "filter": None,
                "matchType": "USERNAME",
            },
        },
    }


def _channel(uri: str) -> dict[str, Any]:
    auth = {"type": "HEADER", "key": "Authorization", "value": "my-header-value"}
    return {"type": "HTTP", "version": "1.0.0", "config": {"uri": uri, "authScheme": auth, "method": "POST"}}


def event_hook(name: str) -> dict[str, Any]:
    """A hook for new users."""
    events = {"type": "EVENT_TYPE", "items": ["user.lifecycle.create"]}
    return {"name": name, "events": events, "channel": _channel("https://www.example.com/hooks")}


def inline_hook(name: str) -> dict[str, Any]:
    """A hook that changes tokens."""
    kind = "com.okta.oauth2.tokens.transform"
    return {"name": name, "type": kind, "version": "1.0.0", "channel": _channel("https://www.example.com/inline")}
