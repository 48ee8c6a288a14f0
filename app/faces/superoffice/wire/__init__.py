"""The SuperOffice-style wire: chat sessions and their messages, read, patched and written."""
