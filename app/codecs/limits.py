"""How much one request may hold, in any format. Each limit is defined here once.

The cost of a body depends on its values rather than on its bytes: 1 MiB of commas would block a
process, and thus all its clients, for seconds. The largest allowed body costs some 20 ms.
"""

MAX_VALUES = 10_000
"""Texts, numbers, objects, lists and nulls of one body; in XML, elements and attributes; in CSV,
cells and blank lines. A batch of `MAX_REQUESTS` with nine members each has as many."""
MAX_DEPTH = 64
"""Nesting of arrays, objects and elements in a body."""
MAX_REQUESTS = 1_000
"""Requests in one batch; an atomic one also has a commit's limit (`Settings.batch_commands`)."""
MAX_PAIRS = 1_000
"""Pairs of one form or query, parts of one multipart form."""
NAME_LENGTH = 1_000
"""Characters of a name in a form: each bracket or dot in it is one more level to parse."""
PART_BYTES = 1024 * 1024
"""Content of one part of a multipart form, in bytes."""
CONTENT_TYPE_BYTES = 1_000
"""Limit of the header that names a boundary; the boundary itself has at most 70 (RFC 2046)."""
NAMESPACE_LENGTH = 1_000
"""Characters of a namespace: XML's parser repeats it in the name of each of its elements."""
MAX_OPERATIONS = 100
"""Operations of one JSON Patch."""
MAX_TESTED = 10_000
"""Values of an entity that all tests of one JSON Patch may compare together."""
