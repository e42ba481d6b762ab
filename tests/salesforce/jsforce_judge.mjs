// jsforce, unmodified, against the sandbox's Salesforce org.
import { createRequire } from "node:module";
import { join } from "node:path";

const jsforce = createRequire(join(process.env.OKTANT_NODE_HOME, "judge.js"))("jsforce");
const known = JSON.parse(process.env.OKTANT_SALESFORCE);
let [passed, failed] = [0, 0];

function check(what, holds, seen) {
  holds ? (passed += 1) : (failed += 1);
  console.log(holds ? `pass  jsforce: ${what}` : `FAIL  jsforce: ${what} (seen: ${JSON.stringify(seen)})`);
}

function equal(what, seen, expected) {
  check(what, JSON.stringify(seen) === JSON.stringify(expected), seen);
}

async function refused(what, code, call) {
  try {
    check(what, false, await call());
  } catch (error) {
    check(what, error.errorCode === code || error.name === code, `${error.name} ${error.errorCode} ${error.message}`);
  }
}

async function records(conn) {
  const contacts = conn.sobject("Contact");
  const made = await contacts.create({ LastName: "Hopper", FirstName: "Grace", Badge__c: "J-1" });
  equal("create", [made.success, made.errors], [true, []]);
  equal("retrieve", (await contacts.retrieve(made.id)).Name, "Grace Hopper");
  equal("update", (await contacts.update({ Id: made.id, Title: "Admiral" })).success, true);
  equal("upsert of what is there", (await contacts.upsert({ LastName: "H", Badge__c: "J-1" }, "Badge__c")).id, made.id);
  equal("upsert of what is not", (await contacts.upsert({ LastName: "N", Badge__c: "J-2" }, "Badge__c")).created, true);
  const several = await contacts.create([{ LastName: "One" }, { LastName: "Two" }, { FirstName: "None" }], { allowRecursive: true });
  equal("create of several", several.map((one) => one.success), [true, true, false]);
  equal("delete", (await contacts.destroy(made.id)).success, true);
  const described = await contacts.describe();
  check("describe", described.fields.some((field) => field.name === "Badge__c" && field.externalId), described.name);
  check("describe of the org", (await conn.describeGlobal()).sobjects.some((one) => one.name === "User"));
  equal("limits", (await conn.request("/limits")).DailyApiRequests.Max, 15000);
  equal("identity", (await conn.identity()).username, known.user);
  const now = new Date(Date.now() + 60_000);
  const changed = await contacts.updated(new Date(now - 3_600_000), now);
  check("updated", changed.ids.length > 0, changed);
  const gone = await contacts.deleted(new Date(now - 3_600_000), now);
  check("deleted", gone.deletedRecords.some((one) => one.id === made.id), gone);
}

async function queries(conn) {
  const rows = Array.from({ length: 2500 }, (_, number) => ({ Name: `Firm ${String(number).padStart(4, "0")}` }));
  await conn.sobject("Account").create(rows, { allowRecursive: true, allOrNone: true });
  const text = "SELECT Id, Name FROM Account WHERE Name LIKE 'Firm %' ORDER BY Name";
  const first = await conn.query(text, { autoFetch: false });
  equal("a first page", [first.totalSize, first.done, first.records.length], [2500, false, 2000]);
  const rest = await conn.queryMore(first.nextRecordsUrl);
  equal("the next page", [rest.done, rest.records.length], [true, 500]);
  const all = await conn.query(text, { autoFetch: true, maxFetch: 10000 });
  equal("all pages", [all.records.length, all.records[2499].Name], [2500, "Firm 2499"]);
  const found = await conn.sobject("Account").find({ Name: { $like: "Firm 00%" }, CreatedDate: jsforce.Date.TODAY }, "Id, Name").limit(7);
  equal("find with conditions", found.length, 7);
  const counted = await conn.query("SELECT COUNT(Id) n FROM Account WHERE Name LIKE 'Firm 1%'");
  equal("aggregate", counted.records[0].n, 1000);
  const searched = await conn.search("FIND {0042} RETURNING Account(Name)");
  equal("search", searched.searchRecords.map((one) => one.Name), ["Firm 0042"]);
}

async function composite(conn) {
  const base = `/services/data/v${conn.version}/sobjects`;
  const compositeRequest = [
    { method: "POST", url: `${base}/Account`, referenceId: "acc", body: { Name: "Acme" } },
    { method: "POST", url: `${base}/Contact`, referenceId: "con", body: { LastName: "At Acme", AccountId: "@{acc.id}" } },
  ];
  const answer = await conn.requestPost("/composite", { allOrNone: true, compositeRequest });
  equal("composite", answer.compositeResponse.map((part) => part.httpStatusCode), [201, 201]);
  const below = await conn.query("SELECT Name, (SELECT LastName FROM Contacts) FROM Account WHERE Name = 'Acme'");
  equal("children", below.records[0].Contacts.records[0].LastName, "At Acme");
}

async function errors(conn) {
  await refused("required field", "REQUIRED_FIELD_MISSING", () => conn.sobject("Contact").create({}));
  await refused("malformed query", "MALFORMED_QUERY", () => conn.query("SELECT Id FRM Contact"));
  await refused("unknown record", "NOT_FOUND", () => conn.sobject("Contact").retrieve("003000000000000AAA"));
  await refused("session", "INVALID_SESSION_ID", () => new jsforce.Connection({ instanceUrl: known.url, accessToken: "00D!x" }).query("SELECT Id FROM User"));
  for (const LastName of ["A", "B"]) await conn.sobject("Contact").create({ LastName, Key__c: "twice" });
  await refused("several records", "MULTIPLE_CHOICES", () => conn.request("/sobjects/Contact/Key__c/twice"));
}

async function oauth() {
  const redirectUri = "http://localhost:33333/";
  const oauth2 = new jsforce.OAuth2({ loginUrl: known.login_url, clientId: known.client_id, clientSecret: known.client_secret, redirectUri });
  const url = oauth2.getAuthorizationUrl({ scope: "api id refresh_token", state: "s" });
  const headers = { "X-Oktant-Auto-Consent": known.user };
  const location = (await fetch(url, { headers, redirect: "manual" })).headers.get("location");
  const conn = new jsforce.Connection({ oauth2, version: "62.0" });
  const user = await conn.authorize(new URL(location).searchParams.get("code"));
  check("authorization code", user.id.startsWith("005") && conn.instanceUrl === known.url, user);
  // It refreshes by itself when the session has ended, and repeats the call.
  let refreshed = 0;
  conn.on("refresh", () => (refreshed += 1));
  await fetch(`${known.url}/sandbox/tokens`, { method: "POST", body: '"expire"' });
  equal("a call after the session ended", [(await conn.query("SELECT Id FROM User")).totalSize, refreshed], [1, 1]);
  const { refreshToken } = conn;
  await conn.logout(true);
  await refused("after revocation", "invalid_grant", () => oauth2.refreshToken(refreshToken));
}

const conn = new jsforce.Connection({ instanceUrl: known.url, accessToken: known.access_token, version: "62.0" });
for (const part of [records, queries, composite, errors, oauth]) {
  await part(conn).catch((error) => check(part.name, false, error.stack));
}
console.log(`jsforce: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
