"""The review desk: cases in their order, what each decision would do, readings by one or two stewards, locks, bulk, apply now."""
