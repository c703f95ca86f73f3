"""One look-up for the desk: find a person or a household, read their pages, verify, match a record."""
