"""Oktant's Python package, row by row through the DB-API cursor, three columns as CSV."""

import csv
import sys

import oktant

write = csv.writer(sys.stdout).writerow
with oktant.connect(f"BaseURL={sys.argv[1]};AuthScheme=APIToken;APIToken={sys.argv[2]}") as connection:
    cursor = connection.cursor()
    cursor.execute("SELECT Id, ProfileFirstName, Status FROM Users")
    for row in cursor:
        write(row)
