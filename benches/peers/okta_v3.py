"""List loop of okta 3.x: the cursor of each answer's Link header asks for the next page; three attributes as CSV."""

import asyncio
import csv
import re
import sys
from urllib.parse import parse_qs, urlsplit

from okta.client import Client


def next_cursor(headers) -> str | None:
    # The client hands out a plain dict: of several Link headers it keeps the last, which is `next` where there is one.
    link = next((text for name, text in headers.items() if name.lower() == "link"), "")
    found = re.search(r'<([^>]+)>;\s*rel="next"', link)
    return parse_qs(urlsplit(found[1]).query)["after"][0] if found else None


async def main(url: str, token: str) -> None:
    write = csv.writer(sys.stdout).writerow
    async with Client({"orgUrl": url, "token": token}) as client:
        for query in ({"limit": 200}, {"limit": 200, "filter": 'status eq "DEPROVISIONED"'}):
            after = None
            while True:
                users, response, error = await client.list_users(**query, after=after)
                if error:
                    sys.exit(str(error))
                for user in users:
                    write([user.id, user.profile.first_name, getattr(user.status, "value", user.status)])
                after = next_cursor(response.headers)
                if after is None:
                    break


asyncio.run(main(*sys.argv[1:3]))
