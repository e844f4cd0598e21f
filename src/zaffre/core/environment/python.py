"""Which of the Pythons at hand serves a wish."""

from __future__ import annotations

from collections.abc import Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from zaffre.base.errors import InvalidRequest
from zaffre.core.environment.recipe import PythonWish

DEFAULT = "3.11"  # where nothing is said: the oldest that runs Zaffre itself, so one is always near
PACKAGES_EXIST_UP_TO = "3.13"  # an open range takes no newer one by itself: wheels come a year after a release


def choose_python(wish: PythonWish, available: Sequence[str]) -> tuple[str, str | None]:
    """(version, note) out of the full versions `available` (`3.10.13`); raises `InvalidRequest` naming those found.

    A bound wish gets a Python that satisfies it, of the same patch where there is one. An unbound wish gets the nearest
    minor version, with a note if it is another than preferred.
    """
    try:
        allowed = SpecifierSet(wish.specifier)
    except InvalidSpecifier as error:
        raise InvalidRequest(f"The Python version `{wish.specifier}` cannot be read: {error}") from error
    versions = sorted((Version(text) for text in available), reverse=True)
    fitting = [version for version in versions if version in allowed]
    if not fitting:
        found = ", ".join(sorted({f"{v.major}.{v.minor}" for v in versions}, key=Version)) or "none"
        raise InvalidRequest(
            f"The environment wants Python {wording(wish)}, which was not found on this machine (found: {found})",
            code="PythonNotFound",
            hint=f"Install it, for example `uv python install {wish.prefer or '3.11'}`, or name one that is there.",
        )
    if wish.prefer == "newest":
        return str(fitting[0]), None
    settled = [version for version in fitting if version.release[:2] <= Version(PACKAGES_EXIST_UP_TO).release[:2]]
    if wish.prefer is None and wish.specifier:
        return str((settled or fitting)[0]), None
    preferred = Version(wish.prefer or DEFAULT)
    exact = [version for version in fitting if version.release[: len(preferred.release)] == preferred.release]
    if exact:
        return str(exact[0]), None
    nearest = min(fitting, key=lambda version: (abs(version.minor - preferred.minor), -version.minor, -version.micro))
    if wish.prefer is None or (nearest.minor == preferred.minor):
        return str(nearest), None
    note = f"Python {preferred} was not found on this machine; Python {nearest.major}.{nearest.minor} stands for it."
    return str(nearest), note


def wording(wish: PythonWish) -> str:
    return wish.specifier.removeprefix("==").removesuffix(".*")
