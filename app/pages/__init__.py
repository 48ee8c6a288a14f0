"""What all pages share: templates, the style sheet, the script, and how a page is sent."""
