"""Plays the person at the browser for the demo: opens the sign-in page, fills in the form, follows to the callback.

Run by `$BROWSER URL`. It speaks plain HTTP and keeps cookies, as a browser would; the sandbox does not know
the difference. Login and password come from the environment.
"""

from __future__ import annotations

import os
import sys
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from http.cookiejar import CookieJar


class Form(HTMLParser):
    """The first form of a page: where it goes and what its hidden fields hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = values.get("action") or ""
        if tag in {"input", "button"} and values.get("name"):
            self.fields[str(values["name"])] = values.get("value") or ""


def main() -> None:
    answers = {"username": os.environ["OKTANT_DEMO_LOGIN"], "password": os.environ["OKTANT_DEMO_PASSWORD"]}
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    response = opener.open(sys.argv[1], timeout=30)
    # Sign-in, then perhaps consent: two forms at the most before the callback.
    for _ in range(2):
        form = Form(response.read().decode())
        if form.action is None:
            return
        fields = {name: answers.get(name, value) for name, value in form.fields.items()}
        target = urllib.parse.urljoin(response.url, form.action)
        response = opener.open(target, urllib.parse.urlencode(fields).encode(), timeout=30)


if __name__ == "__main__":
    main()
