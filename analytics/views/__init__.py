"""Pages whose rows mix apps."""
