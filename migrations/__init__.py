"""The schema's history: numbered SQL, forward only, never edited once released."""
