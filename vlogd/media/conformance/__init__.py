"""Does a published stream keep the rules of RFC 8216 and of Apple's authoring specification? `check` is the way in."""
