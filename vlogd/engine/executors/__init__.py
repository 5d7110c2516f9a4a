"""Where parts run: the contract, and one file per kind of place."""
