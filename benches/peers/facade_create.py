"""Creates users through Oktant's facade of okta 2.x, so many requests in flight at a time; prints how many."""

import asyncio
import sys

from oktant.okta.client import Client


async def main(url: str, token: str, count: str, in_flight: str) -> None:
    numbers = iter(range(int(count)))
    created = 0

    async def work(client: Client) -> None:
        nonlocal created
        for number in numbers:
            login = f"bench.{number}@oktant.example"
            profile = {"firstName": "Bench", "lastName": f"User {number}", "email": login, "login": login}
            _, _, error = await client.create_user({"profile": profile})
            if error:
                sys.exit(str(error))
            created += 1

    async with Client({"orgUrl": url, "token": token}) as client:
        await asyncio.gather(*(work(client) for _ in range(int(in_flight))))
    print(created)


asyncio.run(main(*sys.argv[1:5]))
