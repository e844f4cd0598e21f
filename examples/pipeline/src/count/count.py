"""Count the visits of each day."""

import argparse
import csv
from collections import Counter
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("visits", type=Path)
parser.add_argument("days", type=Path)
parser.add_argument("--at-least", type=int)
args = parser.parse_args()

with (args.visits / "visits.csv").open(newline="") as file:
    days = Counter(row["day"] for row in csv.DictReader(file))
busy = {day: number for day, number in sorted(days.items()) if number >= args.at_least}
with (args.days / "days.csv").open("w", newline="") as file:
    csv.writer(file).writerows([("day", "visits"), *busy.items()])
print(f"{len(busy)} days with {args.at_least} visits or more")
