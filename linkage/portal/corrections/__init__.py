"""Values sent back to their owner (校核): the request, its steps, its clock, and whether later releases show that it was corrected."""
