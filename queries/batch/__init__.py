"""Tables of cases, decided by the column: files of any size, and data frames."""
