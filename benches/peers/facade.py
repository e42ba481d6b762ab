"""List loop of okta 2.x through Oktant's facade: one import differs; three attributes of each user as CSV."""

import asyncio
import csv
import sys

from oktant.okta.client import Client


async def main(url: str, token: str) -> None:
    write = csv.writer(sys.stdout).writerow
    async with Client({"orgUrl": url, "token": token}) as client:
        for query in ({"limit": 200}, {"limit": 200, "filter": 'status eq "DEPROVISIONED"'}):
            users, response, error = await client.list_users(query)
            while True:
                if error:
                    sys.exit(str(error))
                for user in users:
                    write([user.id, user.profile.first_name, getattr(user.status, "value", user.status)])
                if not response.has_next():
                    break
                users, error = await response.next()


asyncio.run(main(*sys.argv[1:3]))
