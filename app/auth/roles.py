"""The names of roles, as the APIs' documentation spells them; `principals` knows their rights."""

SYSTEM_ADMINISTRATOR = "SystemAdministrator"
ADMIN = "Admin"
"""Passes every role check, as in ServiceStack."""
ADMINISTRATORS = frozenset({SYSTEM_ADMINISTRATOR, ADMIN})
"""Roles that see everything."""
MANAGER = "Manager"
CUSTOMER = "Customer"
AGENT = "Agent"
AUDITOR = "Auditor"
OPERATOR = "Operator"
ONLOOKERS = frozenset({AUDITOR, OPERATOR})
"""Roles that only read; a principal with no other role cannot change a session."""
DATA_PROTECTION = "DataProtection"
"""Finds and erases what is held on a person, and sees nothing else of sessions."""
ROLES = (
    SYSTEM_ADMINISTRATOR, ADMIN, *sorted(ONLOOKERS), DATA_PROTECTION, MANAGER, CUSTOMER, AGENT,
)  # fmt: skip
"""All roles, in the order in which they are shown."""
