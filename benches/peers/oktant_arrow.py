"""Oktant's Python package into an Arrow table without copying; the row count is checked, three columns as CSV."""

import sys

import oktant
import pyarrow as pa
from pyarrow import csv

with oktant.connect(f"BaseURL={sys.argv[1]};AuthScheme=APIToken;APIToken={sys.argv[2]}") as connection:
    rows = connection.sql("SELECT Id, ProfileFirstName, Status FROM Users")
    reader = pa.RecordBatchReader.from_stream(rows)
    with csv.CSVWriter(sys.stdout.buffer, reader.schema, write_options=csv.WriteOptions(include_header=False)) as writer:
        for batch in reader:
            writer.write_batch(batch)
