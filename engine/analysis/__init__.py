"""What holds of a policy over every possible patient: findings, regions, comparisons."""
