"""The `$filter` of lists as SQL expressions: conditions, operators, values, periods."""
