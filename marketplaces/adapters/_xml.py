"""Reading XML answers leniently: no document types, missing elements are empty text."""

from xml.etree.ElementTree import Element, ParseError, fromstring


def parsed(raw: bytes) -> Element | None:
    """The root; None where it is not XML, or declares a document type, by which entities could grow without end."""
    if b"<!DOCTYPE" in raw.upper():
        return None
    try:
        return fromstring(raw)  # noqa: S314 - document types, the way to abuse it, were refused above
    except ParseError:
        return None


def text_at(node: Element, *path: str) -> str:
    """The text at a path of element names; empty where a step is missing."""
    found = node.find("/".join(path))
    return "" if found is None or found.text is None else found.text.strip()


def texts_at(node: Element, *path: str) -> tuple[str, ...]:
    """The texts of all elements at a path, empty ones left out."""
    return tuple(found.text.strip() for found in node.findall("/".join(path)) if found.text and found.text.strip())
