"""overcast-sql 0.1.0: three columns of every user as CSV, a SELECT for each status.

It gives up a statement at the first user of a status that it does not know (LOCKED_OUT, PASSWORD_EXPIRED, RECOVERY), so
each status that it knows is asked for apart, and the users of the others are missing in its answer.
"""

import csv
import sys

from overcast_sql import Client

STATUSES = ("STAGED", "PROVISIONED", "ACTIVE", "SUSPENDED", "DEPROVISIONED")
SELECT = "SELECT id, json_extract(profile, '$.firstName') AS first_name, status FROM okta_users WHERE status = '{}'"

client = Client(base_url=sys.argv[1], ssws_token=sys.argv[2])
write = csv.writer(sys.stdout).writerow
for status in STATUSES:
    for row in client.query(SELECT.format(status), format="jsonl"):
        write([row["id"], row["first_name"], row["status"]])
