"""Why the register says what it says: the story of a person, a household, a record or a pair of records."""
