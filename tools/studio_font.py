"""The Studio's font, cut to what its pages use: a first visit loads half as much.

    python tools/studio_font.py        (needs fonttools and brotli, and `npm ci` in studio/)

Weights 400 to 600 and the features that tokens.css and base.css ask for, of the Latin part of Inter (SIL Open Font
License 1.1, which allows changed copies). Letters of other scripts come whole from the package, when a page has any.
"""

from __future__ import annotations

from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

STUDIO = Path(__file__).parent.parent / "studio"
WHOLE = STUDIO / "node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"
CUT = STUDIO / "src/styles/inter-latin.woff2"
FEATURES = ["kern", "mark", "mkmk", "ccmp", "locl", "calt", "tnum", "cv05", "ss03"]


def main() -> None:
    font = TTFont(WHOLE)
    letters = list(font.getBestCmap())
    cutter = Subsetter(Options(layout_features=FEATURES, hinting=False, notdef_outline=True))
    cutter.populate(unicodes=letters)
    cutter.subset(font)
    font = instantiateVariableFont(font, {"wght": (400, 400, 600)})
    font.flavor = "woff2"
    font.save(CUT)
    print(f"{CUT.name}: {CUT.stat().st_size} bytes of {WHOLE.stat().st_size}, {len(letters)} letters")


if __name__ == "__main__":
    main()
