import pytest

from zaffre.base.errors import InvalidRequest
from zaffre.core.memory import megabytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500m", 500), ("4g", 4096), ("4 GB", 4096), ("1.5Gi", 1536), ("1t", 1024 * 1024), ("512", 512), (512, 512),
     ("2048k", 2)],
)  # fmt: skip
def test_amounts(text: object, expected: float) -> None:
    assert megabytes(text, "memory") == expected


@pytest.mark.parametrize("text", ["", "much", "-4g", "4 elephants", "${{parent.inputs.memory}}"])
def test_what_is_no_amount_is_named(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"resources\.memory"):
        megabytes(text, "resources.memory")
