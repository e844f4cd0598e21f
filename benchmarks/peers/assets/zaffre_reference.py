"""Zaffre: `zaffre data create --by-reference`: the bytes stay where they are, their fingerprint is taken."""

from common import adapter

_whole = adapter("assets", "zaffre")
REQUIREMENTS, DISTRIBUTION = _whole.REQUIREMENTS, _whole.DISTRIBUTION
prepare, around = _whole.prepare, _whole.around


def version(box, path):
    return [*_whole.version(box, path), "--by-reference"]
