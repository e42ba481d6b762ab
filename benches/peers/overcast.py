"""overcast-sql 0.1.0: one SELECT of three columns of every user, as CSV."""

import csv
import sys

from overcast_sql import Client

client = Client(base_url=sys.argv[1], ssws_token=sys.argv[2])
write = csv.writer(sys.stdout).writerow
for statement in (
    "SELECT id, json_extract(profile, '$.firstName') AS first_name, status FROM okta_users",
    "SELECT id, json_extract(profile, '$.firstName') AS first_name, status FROM okta_users WHERE status = 'DEPROVISIONED'",
):
    for row in client.query(statement, format="jsonl"):
        write([row["id"], row["first_name"], row["status"]])
