"""How much one request may hold, in whatever format. Each limit stands here once.

What a body costs goes by the values in it rather than by its bytes: 1 MiB of commas would keep a
process busy for seconds, and with it everybody else. The most that is allowed costs some 20 ms.
"""

MAX_VALUES = 10_000
"""Texts, numbers, objects, lists and nulls of one body; in XML elements and attributes, in CSV
cells and blank lines. A batch of `MAX_REQUESTS` with nine members each has as many."""
MAX_DEPTH = 64
"""Nesting of arrays, objects and elements in a body."""
MAX_REQUESTS = 1_000
"""In one batch; an atomic one has a commit's limit as well (`Settings.batch_commands`)."""
MAX_PAIRS = 1_000
"""Pairs of one form or query, parts of one multipart form."""
NAME_LENGTH = 1_000
"""Characters of a name in a form: each bracket or dot in it is a level to look through."""
PART_BYTES = 1024 * 1024
"""Content of one part of a multipart form."""
CONTENT_TYPE_BYTES = 1_000
"""Of the header that names a boundary; that has 70 at most (RFC 2046)."""
NAMESPACE_LENGTH = 1_000
"""Characters: XML's parser repeats a namespace in the name of every element that is in it."""
MAX_OPERATIONS = 100
"""Of one JSON Patch."""
MAX_TESTED = 10_000
"""Values of an entity that the tests of one JSON Patch look at, all together."""
