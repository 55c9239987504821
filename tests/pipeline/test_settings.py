"""Config records of strangers: whatever msgspec can read has names, and what it cannot is refused with its place."""

from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType, field

import sparq_core as sparq
from sparq_core.pipeline.settings import all_options, config_of, convert, marked

Item = TypeVar("Item")


class Box(Struct, Generic[Item]):
    item: Item
    how: Literal["z", "a"] = "z"


class Tree(Struct):
    children: list["Tree"] = []
    how: Literal["z", "a"] = "z"


class Strange(Struct):
    box: Box[int] | None = None
    tree: "Tree | None" = None
    paths: list[Path] = field(default_factory=lambda: [Path("x")])
    labels: set[str] = set()
    unset: int | UnsetType = UNSET
    renamed: sparq.InputFile | None = field(default=None, name="from")
    text: "Annotated[str, Meta(description='A text.')]" = ""


class TwoKinds(Struct):
    both: int | Path = 1


class Unresolved(Struct):
    it: "Nowhere"  # type: ignore[name-defined]  # noqa: F821


def plugin(config: Any) -> type:
    class Plugin:
        def __init__(self, config: Any) -> None:
            self.config = config

    Plugin.__init__.__annotations__["config"] = config
    return Plugin


def test_every_kind_of_option_has_a_name_and_a_record_inside_itself_is_told_once() -> None:
    assert config_of(plugin(Strange), "here") is Strange
    told = {option.name: (option.type, option.default) for option in all_options(Strange)}
    assert told == {
        "box": ("settings or none", "null"),
        "box.item": ("Item", "required"),
        "box.how": ("'z' or 'a'", '"z"'),
        "tree": ("settings or none", "null"),
        "tree.children": ("list of settings", "[]"),
        "tree.how": ("'z' or 'a'", '"z"'),
        "paths": ("list of Path", '["x"]'),
        "labels": ("set", "[]"),
        "unset": ("int or UnsetType", "unset"),
        "from": ("str or none", "null"),
        "text": ("str", '""'),
    }


@pytest.mark.parametrize("config", [TwoKinds, Unresolved, "Nowhere"])
def test_a_config_that_cannot_be_read_is_refused_with_its_place(config: Any) -> None:
    with pytest.raises(sparq.PipelineError, match=r"^plugins\[3\]: the options of Plugin cannot be read: "):
        config_of(plugin(config), "plugins[3]")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"box": {"item": 1, "hwo": "a"}}, r"unknown setting 'box\.hwo'; did you mean 'how'"),
        ({"box": {"item": 1, "how": "q"}}, r"box\.how: .*; it may be 'z' or 'a'"),
        ({"tree": {"children": [{"how": "q"}]}}, r"tree\.children\[0\]\.how: Invalid enum value 'q'$"),
        ({"paths": ["x"]}, "Expected `Path`"),
    ],
)
def test_what_does_not_fit_is_told(data: Any, message: str) -> None:
    with pytest.raises(sparq.PipelineError, match=message):
        convert(data, Strange, "here")


def test_an_option_of_another_name_than_its_field_may_be_marked() -> None:
    assert list(marked(convert({"from": "x"}, Strange, "here"), "file")) == [("from", "x")]
