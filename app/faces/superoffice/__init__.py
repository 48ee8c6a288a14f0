"""The SuperOffice-style API: chat sessions."""
