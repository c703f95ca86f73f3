"""Downloads: what a viewer may take of a release, as copies that carry who took them, resumable to the byte."""
