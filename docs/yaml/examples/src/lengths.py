import os


def run(mini_batch):
    return [f"{os.path.basename(path)} {os.path.getsize(path)}" for path in mini_batch]
