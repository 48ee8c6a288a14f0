"""Principals: who may call, in which roles, with which tokens. No secret is in here."""
