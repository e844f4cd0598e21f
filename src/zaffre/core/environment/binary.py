"""Packages whose files were built for NumPy 1 and do not say so: conda knows it from its builds, pip cannot."""

from __future__ import annotations

import re

from zaffre.core.environment.recipe import Recipe

# name -> first version whose wheels load beside NumPy 2 (release notes of each project)
FIRST_FOR_NUMPY_2 = {
    "scikit-learn": (1, 4, 2),
    "pandas": (2, 2, 2),
    "scipy": (1, 13, 0),
    "h5py": (3, 11, 0),
    "tables": (3, 10, 0),
    "statsmodels": (0, 14, 2),
    "scikit-image": (0, 23, 0),
    "shap": (0, 46, 0),
    "pyarrow": (15, 0, 1),
}
PIN = re.compile(r"\s*([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*==\s*(\d+(?:\.\d+)*)")
BOUND = "numpy<2"


def bind_numpy(recipe: Recipe) -> None:
    """Keep NumPy below 2 where a pinned package needs it. What names NumPy with a version itself is left alone."""
    for line in recipe.requirements:
        found = PIN.match(line)
        if not found:
            continue
        name = found[1].lower().replace("_", "-")
        first = FIRST_FOR_NUMPY_2.get(name)
        if first is not None and tuple(map(int, found[2].split(".")[:3])) < first:
            if any(re.match(r"\s*numpy\s*[=<>~!]", other) for other in recipe.requirements):
                return
            recipe.constraints.append(BOUND)
            recipe.note(f"{name} {found[2]} was built for NumPy 1: numpy<2 is installed with it.")
            return
