"""One person's data: what is theirs, where it lies, and how it is made nobody's."""
