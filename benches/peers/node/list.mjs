// List loop of @okta/okta-sdk-nodejs: its own iterator over the collection, three attributes of each user as CSV.

import okta from '@okta/okta-sdk-nodejs';

const BATCH = 1000;

const [url, token] = process.argv.slice(2);
const client = new okta.Client({ orgUrl: url, token });
let lines = [];
const flush = () => {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
  lines = [];
};

for (const query of [{ limit: 200 }, { limit: 200, filter: 'status eq "DEPROVISIONED"' }]) {
  const users = await client.userApi.listUsers(query);
  await users.each((user) => {
    lines.push(`${user.id},${user.profile.firstName},${user.status}`);
    if (lines.length >= BATCH) flush();
  });
}
flush();
