"""Split a table into one to train on and one to judge by."""

import argparse
from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--data")
parser.add_argument("--out", type=Path)
args = parser.parse_args()

table = pd.read_csv(args.data).dropna()
train, test = train_test_split(table, test_size=0.25, random_state=7, stratify=table["risk"])
train.to_csv(args.out / "train.csv", index=False)
test.to_csv(args.out / "test.csv", index=False)
print(f"{len(train)} rows to train on, {len(test)} to judge by")
