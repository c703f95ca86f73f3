"""What the system administrator sees: runs and their gates, departments tonight, the chain of releases, checks. No residents' data."""
