"""What follows: reading policies, grounding them, and determinations."""
