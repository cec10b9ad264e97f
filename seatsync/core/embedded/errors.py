"""The embedded servers' one error."""


class EmbeddedError(Exception):
    """An embedded server cannot be provided; the text is one sentence with its remedy."""
