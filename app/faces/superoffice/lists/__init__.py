"""Lists of chat sessions: OData queries, and the rows that answer them."""
