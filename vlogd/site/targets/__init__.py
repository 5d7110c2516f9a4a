"""Where the public tree is published to: the contract, and one file for each kind of target."""
