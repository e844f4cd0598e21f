"""Print what a table holds."""

import argparse

import pandas as pd

parser = argparse.ArgumentParser()
parser.add_argument("--data")
parser.add_argument("--title")
args = parser.parse_args()

print(args.title)
print(pd.read_csv(args.data).describe().round(2).to_string())
