"""The portal: stewards decide, departments look up and download, and every look is on record.

It reads the current release and writes judgements, requests and audit, nothing else.
"""
