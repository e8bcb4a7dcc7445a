# SPDX-License-Identifier: Apache-2.0
"""matplotlib's SVG made fit for a page: ids unique per document, no inline style, colours left to the page's CSS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Mapping

_SVG: Final = "{http://www.w3.org/2000/svg}"
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_NUMBER: Final = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")
_REFERENCE: Final = re.compile(r"url\(#([^)]+)\)")
_FONT_SIZE: Final = re.compile(r"([\d.]+)px")

#: Style properties that SVG also takes as presentation attributes, as far as matplotlib uses them. Font families are
#: left out: text takes the page's font.
_PRESENTATION: Final = frozenset(
    {
        "fill", "fill-opacity", "fill-rule", "clip-rule", "font-size", "font-style", "font-weight", "opacity", "stroke",
        "stroke-dasharray", "stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit",
        "stroke-opacity", "stroke-width", "text-anchor",
    }
)  # fmt: skip
#: Points from which a figure is a wide one: it takes more room where it stands alone, so that all text is of one size.
_WIDE: Final = 320.0
_COORDINATES: Final = ("d", "x", "y", "width", "height", "transform", "points", "cx", "cy", "r", "viewBox")


def for_page(markup: str, prefix: str, colours: Mapping[str, str], title: str) -> str:
    """The <svg> element of a matplotlib figure, ready to be put into a page.

    Ids are kept only where something refers to them, and begin with the prefix; coordinates are rounded to one decimal;
    style attributes become presentation attributes; matplotlib's style sheet, metadata and prologue are dropped.

    Args:
        markup: what `Figure.savefig` wrote as SVG, with text as text.
        prefix: unique among the figures of a page, a letter first.
        colours: "#rrggbb" in lower case -> name of a role; a fill in it becomes the class "f-role", a stroke "s-role".
        title: read out instead of the figure.
    """
    root = ElementTree.fromstring(markup)  # noqa: S314 - our own figure, not a stranger's file
    _drop(root)
    for element in root.iter():
        element.text, element.tail = _packed(element, element.text), None
        _presentation(element)
        _colour(element, colours)
        _round(element)
    _rename(root, prefix)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("class", "plot wide" if _width(root) > _WIDE else "plot")
    root.set("role", "img")
    root.set("aria-label", title)
    _unwrap(root)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
    return ElementTree.tostring(root, encoding="unicode")


def _width(root: ElementTree.Element) -> float:
    """Width in points."""
    return float(root.get("viewBox", "0 0 0 0").split()[2])


def _unwrap(parent: ElementTree.Element) -> None:
    """Puts the contents of groups that say nothing in the places of the groups: a third fewer elements to lay out."""
    for child in parent:
        _unwrap(child)
    parent[:] = [
        inner for child in parent for inner in (child if child.tag == f"{_SVG}g" and not child.attrib else (child,))
    ]


def _drop(root: ElementTree.Element) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)


def _packed(element: ElementTree.Element, text: str | None) -> str | None:
    """Text where text is meant; the white space between elements is dropped."""
    return text if element.tag in (f"{_SVG}text", f"{_SVG}tspan") else None


def _presentation(element: ElementTree.Element) -> None:
    for declaration in element.attrib.pop("style", "").split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font":
            name, value = "font-size", "".join(_FONT_SIZE.findall(value)[:1])
        if name in _PRESENTATION and value:
            element.set(name, value.removesuffix("px") if name == "font-size" else value)


def _colour(element: ElementTree.Element, colours: Mapping[str, str]) -> None:
    classes = []
    for name, letter in (("fill", "f"), ("stroke", "s")):
        role = colours.get(element.get(name, "").lower())
        if role is not None:
            del element.attrib[name]
            classes.append(f"{letter}-{role}")
    if element.tag == f"{_SVG}text" and not classes:
        classes.append("f-ink")
    if classes:
        element.set("class", " ".join(classes))


def _round(element: ElementTree.Element) -> None:
    for name in _COORDINATES:
        value = element.get(name)
        if value is None:
            continue
        packed = " ".join(_NUMBER.sub(_one_decimal, value).split())
        if name == "transform" and packed.startswith("rotate(0 "):
            del element.attrib[name]
        else:
            element.set(name, packed)


def _one_decimal(match: re.Match[str]) -> str:
    return f"{round(float(match[0]), 1) + 0.0:g}" if abs(float(match[0])) < 1e5 else match[0]


def _rename(root: ElementTree.Element, prefix: str) -> None:
    """Numbers the ids that are referred to, and drops the others."""
    used: dict[str, str] = {}

    def new(identifier: str) -> str:
        return used.setdefault(identifier, f"{prefix}-{len(used)}")

    for element in root.iter():
        if (target := element.attrib.pop(_HREF, None)) is not None:
            element.set("href", f"#{new(target.removeprefix('#'))}")
        for name, value in element.attrib.items():
            if "url(#" in value:
                element.set(name, _REFERENCE.sub(lambda match: f"url(#{new(match[1])})", value))
    for element in root.iter():
        if (identifier := element.attrib.pop("id", None)) in used:
            element.set("id", used[identifier])
