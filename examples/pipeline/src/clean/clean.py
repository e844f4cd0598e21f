"""Drop rows without a day or a name, and surrounding spaces."""

import csv
import sys
from pathlib import Path

source, target = map(Path, sys.argv[1:3])
with source.open(newline="") as file:
    rows = [{key: value.strip() for key, value in row.items()} for row in csv.DictReader(file)]
kept = [row for row in rows if all(row.values())]
with (target / "visits.csv").open("w", newline="") as file:
    writer = csv.DictWriter(file, fieldnames=rows[0].keys())
    writer.writeheader()
    writer.writerows(kept)
print(f"kept {len(kept)} of {len(rows)} rows")
