// Creates users with @okta/okta-sdk-nodejs, so many requests in flight at a time; prints how many.

import okta from '@okta/okta-sdk-nodejs';

const [url, token, count, inFlight] = process.argv.slice(2);
const client = new okta.Client({ orgUrl: url, token });
let next = 0;

async function work() {
  while (next < Number(count)) {
    const number = next++;
    const login = `bench.${number}@oktant.example`;
    await client.userApi.createUser({
      body: { profile: { firstName: 'Bench', lastName: `User ${number}`, email: login, login } },
    });
  }
}

await Promise.all(Array.from({ length: Number(inFlight) }, work));
console.log(next);
