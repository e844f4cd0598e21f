"""Hand the model on to the registry, or fail if it is not good enough."""

import argparse
import json
import shutil
import sys
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--model")
parser.add_argument("--scores", type=Path)
parser.add_argument("--at-least", type=float)
parser.add_argument("--registered")
args = parser.parse_args()

auc = json.loads(args.scores.read_text())["auc"]
if auc < args.at_least:
    sys.exit(f"auc {auc:.3f} is below {args.at_least}: this model is not registered")
shutil.copytree(args.model, args.registered, dirs_exist_ok=True)
print(f"auc {auc:.3f} is good enough ({args.at_least} or more)")
