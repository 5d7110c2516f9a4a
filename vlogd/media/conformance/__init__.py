"""Does a published stream conform to RFC 8216 and Apple's authoring specification? Start reading at `check`."""
