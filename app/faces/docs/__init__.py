"""Pages for humans and generated texts: templates, one style sheet, and what fills them."""
