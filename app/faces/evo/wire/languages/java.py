"""Java, for the Maven package net.servicestack:client."""

from app.faces.evo.wire.languages.language import Language, speller

JAVA = Language(
    name="java",
    label="Java",
    template="java.jinja",
    spell=speller({"string": "String", "int": "Integer", "bool": "Boolean"}, "ArrayList<{}>"),
)
