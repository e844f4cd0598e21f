"""Lay out the patients: ten measures, and whether the disease progressed more than in half of them."""

import argparse
from pathlib import Path

from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

NAMES = {"bp": "blood_pressure", "s1": "cholesterol", "s2": "ldl", "s3": "hdl", "s4": "cholesterol_per_hdl",
         "s5": "log_triglycerides", "s6": "blood_sugar"}  # fmt: skip

parser = argparse.ArgumentParser()
parser.add_argument("--held-out", type=float)
parser.add_argument("--tables", type=Path)
args = parser.parse_args()

patients = load_diabetes(as_frame=True, scaled=False).frame.rename(columns=NAMES)
patients["worse"] = (patients["target"] > patients["target"].median()).astype(int)
patients = patients.drop(columns="target")
train, test = train_test_split(patients, test_size=args.held_out, random_state=7, stratify=patients["worse"])
train.to_csv(args.tables / "train.csv", index=False)
test.to_csv(args.tables / "test.csv", index=False)
print(f"{len(patients)} patients: {len(train)} to learn from, {len(test)} to judge by")
