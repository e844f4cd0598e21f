"""Cut an MLTable into mini-batches, in the step's own environment: `python parallel_cut.py LAYOUT RESULT`.

A table of rows becomes pickled DataFrames in the folder `table` of the state, one a mini-batch, of about
`mini_batch_size` bytes each, or one for each combination of the `partition_keys`. A table of files becomes a list of
paths. RESULT gets the list, as JSON: {"tables": [{"table", "items", "partition"}]} or {"files": [...]}.
"""

from __future__ import annotations

import glob
import json
import os
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

READS = re.compile(r"^\s*-?\s*read_(delimited|parquet|json_lines|delta_lake)\b", re.MULTILINE)


def main(layout_file: str, result: str) -> None:
    with open(layout_file, encoding="utf-8") as file:
        layout = json.load(file)
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != here]
    with open(os.path.join(layout["input"], "MLTable"), encoding="utf-8") as file:
        definition = file.read()
    if READS.search(definition):
        made: dict[str, Any] = {"tables": list(cut(layout))}
    else:
        made = {"files": files_of(layout["input"], definition)}
    with open(result + ".staged", "w", encoding="utf-8") as file:
        json.dump(made, file)
    os.replace(result + ".staged", result)


def cut(layout: dict[str, Any]) -> Iterator[dict[str, Any]]:
    try:
        import mltable
    except ImportError:
        sys.exit("the input is an mltable: the environment needs the packages mltable and pandas")
    table = mltable.load(layout["input"]).to_pandas_dataframe()
    folder = os.path.join(layout["state"], "table")
    os.makedirs(folder, exist_ok=True)
    for number, (part, partition) in enumerate(parts(table, layout)):
        path = os.path.join(folder, f"{number}.pkl")
        part.reset_index(drop=True).to_pickle(path)
        yield {"table": path, "items": len(part), "partition": partition}


def parts(table: Any, layout: dict[str, Any]) -> Iterator[tuple[Any, dict[str, str] | None]]:
    """Pieces of the table, in its order; by keys, in the order of their values."""
    keys = layout.get("partition_keys")
    if keys:
        missing = [key for key in keys if key not in table.columns]
        if missing:
            sys.exit(f"partition_keys: the table has no column {missing[0]}; it has {list(table.columns)}")
        for group, part in table.groupby(list(keys), dropna=False):
            values = group if isinstance(group, tuple) else (group,)
            yield part, {key: str(values[place]) for place, key in enumerate(keys)}
        return
    if not len(table):
        return
    row_bytes = max(1, int(table.memory_usage(index=False, deep=True).sum()) // len(table))
    rows = max(1, layout["batch_bytes"] // row_bytes)
    for start in range(0, len(table), rows):
        yield table.iloc[start : start + rows], None


def files_of(folder: str, definition: str) -> list[str]:
    """The files that `paths` of an MLTable names; all files beside it where they cannot be read."""
    try:
        import yaml
    except ImportError:
        return list(below(folder, without="MLTable"))
    found: list[str] = []
    for entry in (yaml.safe_load(definition) or {}).get("paths") or []:
        for kind, path in entry.items():
            place = os.path.join(folder, str(path).replace("file://", "", 1))
            if kind == "pattern":
                found += sorted(match for match in glob.glob(place, recursive=True) if os.path.isfile(match))
            elif os.path.isdir(place):
                found += below(place)
            else:
                found.append(place)
    return [os.path.normpath(path) for path in dict.fromkeys(found)]


def below(folder: str, without: str | None = None) -> Iterator[str]:
    """Files of a folder and below, by name."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not (name == without and place == folder):
                yield os.path.join(place, name)


if __name__ == "__main__":
    main(*sys.argv[1:])
