"""The marketplaces, simulated: plain WSGI without Django, stateful, one dialect a platform."""
