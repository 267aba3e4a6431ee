"""The style of kgkt's graphs in Neo4j Browser, as a .grass file."""

from __future__ import annotations

# label: (colour, border, diameter in pixels)
_NODES = {
    "Graph": ("#4C566A", "#3B4252", 80), "Model": ("#7B6D8D", "#5F5370", 80), "Theme": ("#8DCC93", "#5DB665", 80),
    "Concept": ("#57C7E3", "#23B3D7", 65), "Class": ("#F79767", "#F36924", 65), "Item": ("#C9D1D9", "#9AA5B1", 50),
    "Block": ("#DA7194", "#CC3C6C", 50),
}  # fmt: skip
# type: (caption, colour, width in pixels)
_RELATIONSHIPS = {
    "SIMILAR_TO": ("", "#57C7E3", 1), "LEANS_TO": ("{mass}", "#F79767", 2),
    "MERGED_INTO": ("<type>", "#23B3D7", 3),
    "EXAMPLE_OF": ("", "#9AA5B1", 1), "MAPS_TO": ("{strength}", "#DA7194", 2),
    "LABELLED": ("<type>", "#D9730D", 3), "LABELLED_NOT": ("<type>", "#B3261E", 3), "PART_OF": ("<type>", "#8DCC93", 1),
    "IN_GRAPH": ("<type>", "#A5ABB6", 1), "IN_MODEL": ("<type>", "#A5ABB6", 1),
    "LEARNED_FROM": ("<type>", "#7B6D8D", 1), "CARRIED_BY": ("{share}", "#7B6D8D", 1),
    "ARRIVED_IN": ("{verdict}", "#7B6D8D", 2), "CORRESPONDS_TO": ("{overlap}", "#23B3D7", 2),
    "TRANSLATES": ("{words}", "#5DB665", 2),
}  # fmt: skip


def grass() -> str:
    """The style sheet: a colour a label, names as captions, what a relationship measures beside it."""
    parts = [_rule("node", {"diameter": "50px", "color": "#A5ABB6", "border-color": "#9AA1AC", "border-width": "2px",
                            "text-color-internal": "#FFFFFF", "font-size": "10px"}),
             _rule("relationship", {"color": "#A5ABB6", "shaft-width": "1px", "font-size": "8px", "padding": "3px",
                                    "text-color-external": "#000000", "text-color-internal": "#FFFFFF",
                                    "caption": '"<type>"'})]  # fmt: skip
    for label, (color, border, diameter) in _NODES.items():
        text = "#2A2C34" if label in ("Theme", "Concept", "Item", "Class") else "#FFFFFF"
        parts.append(_rule(f"node.{label}", {
            "color": color, "border-color": border, "text-color-internal": text, "diameter": f"{diameter}px",
            "caption": '"{name}"'}))  # fmt: skip
    for kind, (caption, color, width) in _RELATIONSHIPS.items():
        parts.append(_rule(f"relationship.{kind}", {
            "color": color, "shaft-width": f"{width}px", "caption": f'"{caption}"'}))  # fmt: skip
    return "\n".join(parts)


def _rule(selector: str, facts: dict[str, str]) -> str:
    return f"{selector} {{\n" + "".join(f"  {name}: {value};\n" for name, value in facts.items()) + "}\n"
