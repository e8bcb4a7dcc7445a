# SPDX-License-Identifier: Apache-2.0
from xml.etree import ElementTree

from serialprof_reports.svg import for_page

HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9pt" viewBox="0 0 9 9">'
)


def page(inside: str) -> ElementTree.Element:
    return ElementTree.fromstring(for_page(f"{HEAD}{inside}</svg>", "p", {"#010101": "ink"}, "a title"))


def test_style_becomes_attributes_and_sentinel_colours_classes() -> None:
    path = page('<path style="fill: #010101; stroke: #010101; stroke-width: 0.8; -x: y" d="M 0 0"/>')[0]
    assert path.attrib == {"class": "f-ink s-ink", "stroke-width": "0.8", "d": "M 0 0"}


def test_other_colours_stay() -> None:
    assert page('<path style="fill: #020202"/>')[0].attrib == {"fill": "#020202"}


def test_references_are_renamed_with_their_targets_and_other_ids_dropped() -> None:
    root = page(
        '<g id="a"><path id="m"/><use xlink:href="#m" style="clip-path: none" clip-path="url(#c)"/></g><rect id="c"/>'
    )
    path, use, clip = root
    assert use.attrib == {"href": "#p-0", "clip-path": "url(#p-1)"}
    assert (path.get("id"), clip.get("id")) == ("p-0", "p-1")


def test_groups_that_say_nothing_give_way_to_what_they_hold_in_its_order() -> None:
    root = page(
        '<g id="a"><g><path d="M 1 1"/></g><g style="opacity: 0.5"><g><path d="M 2 2"/></g></g></g><path d="M 3 3"/>'
    )
    assert [child.tag for child in root] == ["path", "g", "path"]
    assert [element.get("d") for element in root.iter("path")] == ["M 1 1", "M 2 2", "M 3 3"]
    assert root[1].attrib == {"opacity": "0.5"}


def test_style_sheet_and_metadata_go() -> None:
    assert [child.tag for child in page("<metadata/><defs><style>*{}</style></defs>")] == ["defs"]


def test_coordinates_keep_one_decimal() -> None:
    path, text = page(
        '<path d="M 1.26 -0.04 \nL 2e-07 100.55"/><text transform="rotate(-0 3 4)" x="1.234">1.234</text>'
    )
    assert path.get("d") == "M 1.3 0 L 0 100.5"
    assert text.attrib == {"x": "1.2", "class": "f-ink"}
    assert text.text == "1.234"


def test_root_is_labelled_and_scales() -> None:
    root = page("")
    assert root.attrib == {"viewBox": "0 0 9 9", "class": "plot", "role": "img", "aria-label": "a title"}


def test_a_wide_figure_says_so() -> None:
    wide = f"{HEAD}</svg>".replace("0 0 9 9", "0 0 389 9")
    assert ElementTree.fromstring(for_page(wide, "p", {}, "a title")).get("class") == "plot wide"
