"""Multiplies the numbers of a request by the factor that is the model."""

import json
import os


def init():
    """Called once in each worker."""
    global factor
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model", "factor.txt")) as file:
        factor = float(file.read())


def run(data):
    """`{"data": [1, 2]}` -> [2.5, 5.0]"""
    digits = int(os.environ["ROUND_TO"])
    return [round(number * factor, digits) for number in json.loads(data)["data"]]
