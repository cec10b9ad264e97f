"""Reading XML answers leniently: no document types, missing elements are empty text."""

from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser


class _Plain(TreeBuilder):
    """Builds a tree of a document without a type, by which entities could grow without end."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Raises ParseError, whatever the document's encoding hides it in."""
        raise ParseError("a document type is not taken")


def parsed(raw: bytes) -> Element | None:
    """The root; None where it is not XML, or declares a document type."""
    parser = XMLParser(target=_Plain())  # noqa: S314 - document types, the way to abuse it, are refused
    try:
        parser.feed(raw)
        found: Element = parser.close()
    except ParseError:
        return None
    return found


def text_at(node: Element, *path: str) -> str:
    """The text at a path of element names; empty where a step is missing."""
    found = node.find("/".join(path))
    return "" if found is None or found.text is None else found.text.strip()


def texts_at(node: Element, *path: str) -> tuple[str, ...]:
    """The texts of all elements at a path, empty ones left out."""
    return tuple(found.text.strip() for found in node.findall("/".join(path)) if found.text and found.text.strip())
