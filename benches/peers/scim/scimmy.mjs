// SCIMMY behind its Express routers, as the example of its authors has it: a store of users and groups, the filter of a
// list matched by the library against everything that the store has. The store is a Map, which is quicker than their
// database; the name of a user is looked up before it is given away, as their database does by a constraint.

import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const [token] = process.argv.slice(2);

/** Keeps resources of one kind; `nameOf` gives what no two of them may share. */
function store(nameOf) {
    const resources = new Map();
    const names = new Map();
    const find = (id) => {
        const found = resources.get(id);
        if (!found) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
        return found;
    };
    return {
        egress: ({ id, filter }) => {
            if (id) return find(id);
            const all = [...resources.values()];
            return filter ? filter.match(all) : all;
        },
        ingress: ({ id }, data) => {
            const before = id ? find(id) : undefined;
            const name = nameOf(data)?.toLowerCase();
            const owner = names.get(name);
            if (owner !== undefined && owner !== id) throw new SCIMMY.Types.Error(409, "uniqueness", `${name} is taken`);
            const now = new Date();
            const meta = { created: before?.meta.created ?? now, lastModified: now };
            const kept = { ...JSON.parse(JSON.stringify(data)), id: id ?? randomUUID(), meta };
            if (before) names.delete(nameOf(before)?.toLowerCase());
            names.set(name, kept.id);
            resources.set(kept.id, kept);
            return kept;
        },
        degress: ({ id }) => {
            names.delete(nameOf(find(id))?.toLowerCase());
            resources.delete(id);
        },
    };
}

SCIMMY.Resources.declare(SCIMMY.Resources.User, store((user) => user.userName));
SCIMMY.Resources.declare(SCIMMY.Resources.Group, store((group) => group.displayName));

const app = express();
app.use("/scim/v2", new SCIMMYRouters({
    type: "bearer",
    handler: (request) => {
        if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("Authorization not detected!");
        return "benchmark";
    },
}));
const server = app.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/scim/v2`));
