"""Every user through the blocking form of Oktant's facade, three attributes of each as CSV."""

import csv
import sys

from oktant.okta import SyncClient

write = csv.writer(sys.stdout).writerow
with SyncClient({"orgUrl": sys.argv[1], "token": sys.argv[2]}) as client:
    for query in ({"limit": 200}, {"limit": 200, "filter": 'status eq "DEPROVISIONED"'}):
        users, response, error = client.list_users(query)
        while True:
            if error:
                sys.exit(str(error))
            for user in users:
                write([user.id, user.profile.first_name, user.status])
            if not response.has_next():
                break
            users, error = response.next()
