"""Pages for humans and generated texts: templates, a style sheet, and the code that fills them."""
