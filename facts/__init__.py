"""What is known: vocabulary, typed values, cases and their readers."""
