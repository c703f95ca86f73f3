"""gridroll: departments' nightly exports become one register of persons and households."""

__version__ = "0.1.0"
