"""Commands that need no shell: starting bash for them would cost a millisecond and change nothing."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping

WORD = r"""(?:[A-Za-z0-9_./:,@%+=-]|'[^'\n]*'|"[^"$`\\!\n]*")+"""
PROGRAM = r"[A-Za-z0-9_.+-]+"  # no path: a file without `#!` has to be read by bash, in PATH nobody keeps such
PLAIN = re.compile(rf"\s*{PROGRAM}(?:[ \t]+{WORD})*\s*")
# What bash does itself, though a program of that name may exist: `compgen -bk`.
OWN = frozenset(
    """. : alias bg bind break builtin caller case cd command compgen complete compopt continue coproc declare dirs
    disown do done echo elif else enable esac eval exec exit export false fc fg fi for function getopts hash help
    history if in jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return select set
    shift shopt source suspend test then time times trap true type typeset ulimit umask unalias unset until wait
    while""".split()
)
STARTUP = ("BASH_ENV", "BASHOPTS", "SHELLOPTS")  # variables that make bash do more than the command


def words(command: str, env: Mapping[str, str]) -> list[str] | None:
    """The words of one simple command without anything that a shell expands, or None: then bash has to read it.

    Also None if the program cannot be found, so that bash says so as people know it.
    """
    if len(command) > 4096 or not PLAIN.fullmatch(command) or any(name in env for name in STARTUP):
        return None
    found = shlex.split(command)
    if found[0] in OWN or any(name.startswith("BASH_FUNC_") for name in env):
        return None
    return found if shutil.which(found[0], path=env.get("PATH", "")) else None
