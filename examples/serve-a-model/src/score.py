import glob
import json
import os


def init():
    """Called once in each worker."""
    global weights
    (path,) = glob.glob(os.path.join(os.environ["AZUREML_MODEL_DIR"], "*", "weights.json"))
    with open(path) as file:
        weights = json.load(file)


def run(data):
    """Called for each request, with its text; what it returns is the answer, as JSON."""
    patients = json.loads(data)["patients"]
    return [round(sum(weight * row[name] for name, weight in weights.items()), 2) for row in patients]
