"""The commands of ``linkage``, one module a group of them; ``linkage/cli.py`` puts them together."""
