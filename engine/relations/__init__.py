"""Relations: what a query can ask about, derived from the knowledge base and from cases."""
