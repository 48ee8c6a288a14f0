"""The schema's history: numbered SQL, forward only, and never edited after its release."""
