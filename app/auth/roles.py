"""The names of roles, as the APIs' documentation spells them; what they allow is in principals."""

SYSTEM_ADMINISTRATOR = "SystemAdministrator"
ADMIN = "Admin"
"""Passes every check of a role, as in ServiceStack."""
MANAGER = "Manager"
CUSTOMER = "Customer"
AGENT = "Agent"
ONLOOKERS = frozenset({"Auditor", "Operator"})
"""Roles that read; who has no other changes no session."""
ROLES = (SYSTEM_ADMINISTRATOR, ADMIN, *sorted(ONLOOKERS), MANAGER, CUSTOMER, AGENT)
"""All, in the order in which they are shown."""
