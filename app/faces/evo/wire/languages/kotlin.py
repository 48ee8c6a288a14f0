"""Kotlin, for the Maven package net.servicestack:client."""

from app.faces.evo.wire.languages.language import Language, speller

KOTLIN = Language(
    name="kotlin",
    label="Kotlin",
    template="kotlin.jinja",
    spell=speller({"string": "String", "int": "Int", "bool": "Boolean"}, "ArrayList<{}>"),
)
