"""`zaffre completion bash|zsh`"""

from __future__ import annotations

from argparse import Namespace

from zaffre.cli.parser import Verbs


def add(verbs: Verbs, word: str, summary: str) -> None:
    parser = verbs.add(word, _completion, summary, """
        zaffre completion bash > ~/.local/share/bash-completion/completions/zaffre
        zaffre completion zsh > ~/.zfunc/_zaffre
        """)  # fmt: skip
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="bash, zsh or tcsh")


def _completion(args: Namespace) -> str:
    import shtab

    from zaffre.cli.main import build

    script: str = shtab.complete(build(None), shell=args.shell)
    return script
