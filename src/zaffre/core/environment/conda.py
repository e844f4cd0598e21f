"""A conda file as a Python and requirements of the Python index, with a word on all that has no equal there.

Also reads `python_env.yaml`, which MLflow writes beside its models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from zaffre.base.errors import InvalidRequest
from zaffre.core.environment.recipe import PythonWish, Recipe
from zaffre.core.environment.requirements import add_line, add_lines, logical_lines, name_of

# conda package -> name on the Python index, where they differ.
INDEX_NAMES = {
    "cached_property": "cached-property", "dask-core": "dask", "faiss": "faiss-cpu", "importlib_metadata":
    "importlib-metadata", "importlib_resources": "importlib-resources", "libtorch": "torch", "lightning-fabric":
    "lightning", "matplotlib-base": "matplotlib", "msgpack-python": "msgpack", "opencv": "opencv-python-headless",
    "psycopg2": "psycopg2-binary", "py-lightgbm": "lightgbm", "py-opencv": "opencv-python-headless", "py-xgboost":
    "xgboost", "py-xgboost-cpu": "xgboost", "py-xgboost-gpu": "xgboost", "pyqt": "PyQt5", "pytables": "tables",
    "python-graphviz": "graphviz", "pytorch": "torch", "pytorch-cpu": "torch", "pytorch-gpu": "torch",
    "ruamel_yaml": "ruamel.yaml", "seaborn-base": "seaborn", "tensorflow-base": "tensorflow", "tensorflow-gpu":
    "tensorflow", "tensorflow-mkl": "tensorflow", "typing_extensions": "typing-extensions",
}  # fmt: skip

# Packages that are no Python packages: programs, compilers, libraries, metapackages.
FOREIGN = frozenset(
    "openmpi mpich mpi cudatoolkit cudatoolkit-dev cudnn nccl cutensor gcc gxx gfortran clang clangxx llvm llvm-openmp "
    "compilers c-compiler cxx-compiler fortran-compiler make automake autoconf pkg-config git git-lfs curl wget zip "
    "unzip tar bzip2 gzip xz zlib openssl ca-certificates sqlite readline tk ncurses openjdk jdk java java-jdk maven "
    "nodejs yarn ffmpeg poppler tesseract pandoc mkl mkl-service blas openblas intel-openmp hdf5 netcdf4-c unixodbc "
    "freetype libpng jpeg julia rust go conda mamba micromamba conda-build vs2015_runtime nvcc cuda pytorch-cuda "
    "pytorch-mutex _libgcc_mutex _openmp_mutex glib dbus expat fontconfig icu pixman cairo pango gsl fftw eigen boost "
    "boost-cpp swig bazel proj geos gdal-bin libspatialindex azure-functions-core-tools msodbcsql17".split()
)
FOREIGN_PREFIXES = ("lib", "cuda-", "r-", "gcc_", "gxx_", "gfortran_", "ld_impl", "kernel-headers", "sysroot_", "_")
PYTHON_NAMED_LIB = frozenset("libclang libcst librosa libsass libtmux libusb1 libarchive-c libpysal".split())

SPEC = re.compile(
    r"^(?:(?P<channel>[^:\s]+)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*)\s*(?P<bracket>\[[^\]]*\])?\s*(?P<rest>.*)$"
)
IGNORED_KEYS = {"name", "channels", "prefix", "dependencies", "variables", "python", "build_dependencies"}


def read_conda(conda: Mapping[str, object], files: Mapping[str, str]) -> Recipe:
    """What the parsed conda file asks for. Raises `InvalidRequest` naming the entry that cannot be read."""
    recipe = Recipe(conda=True)
    dependencies = conda.get("dependencies") or []
    if not isinstance(dependencies, Sequence) or isinstance(dependencies, str):
        raise InvalidRequest("The conda file's `dependencies` is not a list")
    for key in conda:
        if key not in IGNORED_KEYS:
            recipe.note(f"The conda file's key `{key}` has no meaning here and was left out.")
    variables = conda.get("variables")
    if isinstance(variables, Mapping):
        recipe.variables.update({str(key): str(value) for key, value in variables.items()})
    if conda.get("python") is not None or "build_dependencies" in conda:
        if conda.get("python") is not None:
            recipe.python = python_wish(f"={conda['python']}")
        add_lines(recipe, pip_lines(conda.get("build_dependencies"), "build_dependencies"), files, "python_env file")
        add_lines(recipe, pip_lines(dependencies, "dependencies"), files, "python_env file")
        drop_pip(recipe)
        return recipe
    for entry in dependencies:
        add_entry(recipe, entry, files)
    drop_pip(recipe)
    return recipe


def add_entry(recipe: Recipe, entry: object, files: Mapping[str, str]) -> None:
    """One entry of `dependencies`: a conda package, or the `pip:` section."""
    if isinstance(entry, Mapping):
        for section, items in entry.items():
            if section == "pip":
                add_lines(recipe, pip_lines(items, "pip"), files, "conda file, pip section")
            else:
                recipe.note(f"The section `{section}` of the conda file could not be honoured.")
    elif isinstance(entry, str):
        add_conda_package(recipe, entry, files)
    elif entry is not None:
        raise InvalidRequest(f"The conda file's `dependencies` has an entry that is no text: {entry!r}")


def referenced_files(conda: Mapping[str, object]) -> list[str]:
    """Paths, relative to the conda file, of the files that its lists name with `-r` or `-c`."""
    found: list[str] = []
    dependencies = conda.get("dependencies")
    entries: list[object] = list(dependencies) if isinstance(dependencies, Sequence) else []
    for entry in list(entries):
        if isinstance(entry, Mapping):
            items = entry.get("pip")
            entries += items if isinstance(items, list) else [items]
    for entry in entries:
        for _, line in logical_lines(entry) if isinstance(entry, str) else ():
            if match := re.match(r"^(?:-r|-c|--requirement|--constraint)[\s=]*(.+)$", line):
                found.append(match[1].strip().strip("'\""))
    return found


def pip_lines(items: object, where: str) -> list[str]:
    if items is None:
        return []
    if isinstance(items, str):
        return [items]
    if isinstance(items, Sequence) and all(isinstance(item, str) for item in items):
        return list(items)
    raise InvalidRequest(f"The conda file's `{where}` is not a list of requirement lines")


def add_conda_package(recipe: Recipe, entry: str, files: Mapping[str, str]) -> None:
    """One entry of a conda list: `numpy=1.21.2`, `conda-forge::pytables >=3.7`, `python=3.8`."""
    text = entry.strip()
    if text.startswith("-"):
        add_line(recipe, text, files, "conda file")
        return
    match = SPEC.match(text.split(" #")[0].strip())
    if not match:
        raise InvalidRequest(f"The conda file's entry `{entry}` cannot be read")
    name, version = match["name"].lower(), match["rest"].strip()
    if match["bracket"]:
        recipe.note(f"`{entry}`: the part `{match['bracket']}` is for conda only and was left out.")
    if name == "python":
        recipe.python = python_wish(version)
        return
    if name == "pip":
        if version:
            recipe.note(f"`{entry}`: the newest pip of the Python is used instead.")
        return
    if is_foreign(name):
        recipe.note(f"`{entry}` is no Python package and could not be honoured: install it on the machine if needed.")
        return
    wanted = INDEX_NAMES.get(name, name)
    specifier = index_specifier(version, entry, recipe)
    if wanted != name:
        recipe.note(f"The conda package `{name}` is `{wanted}` on the Python index.")
    if name == "graphviz":
        recipe.note("`graphviz`: only the Python part; the program `dot` must be on the machine.")
    recipe.require(f"{wanted}{specifier}")


def is_foreign(name: str) -> bool:
    return name in FOREIGN or (name.startswith(FOREIGN_PREFIXES) and name not in PYTHON_NAMED_LIB)


def index_specifier(version: str, entry: str, recipe: Recipe) -> str:
    """conda's version part as PEP 440: `=1.21.2` is `==1.21.2`, `=1.21` is `==1.21.*`."""
    text = re.sub(r"\s*,\s*", ",", version.strip())
    if not text or text == "*":
        return ""
    if "|" in text:
        recipe.note(f"`{entry}`: alternatives (`|`) cannot be said on the Python index; any version is taken.")
        return ""
    if match := re.match(r"^(=?)\s*([0-9][^=\s,<>!~]*)(?:[=\s]+([^=\s]+))?$", text):  # `=1.2`, `1.2`, `=1.2=build`
        if match[3] and match[3] != "*":
            recipe.note(f"`{entry}`: the build `{match[3]}` is for conda only and was left out.")
        number = match[2].rstrip("*").rstrip(".")
        whole = number.count(".") >= 2 and not match[2].endswith("*")
        return f"=={number}" if whole or not (match[1] or match[2].endswith("*")) else f"=={number}.*"
    parts = []
    for part in text.split(","):
        found = re.match(r"^(==|>=|<=|!=|~=|>|<|=)?\s*([0-9][A-Za-z0-9.+!*_-]*)(?:[=\s].*)?$", part)
        if not found:
            recipe.note(f"`{entry}`: the version `{part}` could not be read; any version is taken.")
            continue
        operator, number = found[1] or "==", found[2]
        if operator == "=":
            parts.append(index_specifier(f"={number}", entry, recipe))
        elif number.endswith("*") and operator not in ("==", "!="):
            parts.append(operator + number.rstrip("*").rstrip("."))
        else:
            parts.append(operator + number)
    return ",".join(parts)


def python_wish(version: str) -> PythonWish:
    """`=3.8` and `=3.8.5` bind the minor version; ranges bind what they say."""
    text = re.sub(r"\s+", "", version)
    if match := re.match(r"^={0,2}(\d+)\.(\d+)(?:\.(\d+|\*))?(?:=.*)?$", text):
        minor = f"{match[1]}.{match[2]}"
        return PythonWish(f"=={minor}.*", f"{minor}.{match[3]}" if (match[3] or "*") != "*" else minor)
    if not text or text in ("*", "=3", "3", "=3.*", "3.*"):
        return PythonWish()
    if re.match(r"^(?:(?:==|>=|<=|!=|~=|>|<)\d+(?:\.\d+)*(?:\.\*)?(?:,|$))+$", text):
        return PythonWish(text)
    raise InvalidRequest(f"The Python version `{version}` cannot be read", hint="Write it as `python=3.10`.")


def drop_pip(recipe: Recipe) -> None:
    """pip is always there; a pin of pip itself would only make builds older and slower."""
    for line in [line for line in recipe.requirements if name_of(line) == "pip"]:
        recipe.requirements.remove(line)
        recipe.note(f"`{line}`: the newest pip of the Python is used instead.")
